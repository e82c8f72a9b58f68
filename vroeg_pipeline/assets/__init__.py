"""The software-defined assets, one module a stage, in the order in which the data goes."""
