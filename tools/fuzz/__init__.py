"""Inputs bent at random for every reader: each is accepted with right numbers, or refused in the project's own words."""
