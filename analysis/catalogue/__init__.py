"""What there is to choose from: methods, networks, published designs and hardware profiles."""
