"""The pages of the app: words, colours, the map and the pieces around it."""
