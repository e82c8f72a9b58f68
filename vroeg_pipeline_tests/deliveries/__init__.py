"""Tests of `vroeg_pipeline.deliveries`."""
