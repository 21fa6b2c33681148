"""A network of another tool, read as operations of this project: a graph of nodes, understood by value and algebra."""
