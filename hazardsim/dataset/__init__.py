"""The dataset on disk: layout, codecs, writer, reader."""
