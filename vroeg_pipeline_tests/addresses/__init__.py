"""Tests of `vroeg_pipeline.addresses`."""
