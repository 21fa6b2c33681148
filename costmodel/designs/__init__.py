"""What a user names, and what was measured of it: networks, data sets, design keys, accuracy records."""
