"""Model packs from elsewhere, converted into the user's cache."""
