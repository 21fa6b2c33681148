"""Inputs bent at random for every reader: accepted with right numbers, or refused in the project's own words."""
