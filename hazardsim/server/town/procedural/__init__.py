"""What a map does not tell, made up along the roads from a seed, as map features."""
