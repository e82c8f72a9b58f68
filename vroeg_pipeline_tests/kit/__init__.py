"""What tests stand on: worlds, servers, clocks, returned lists."""
