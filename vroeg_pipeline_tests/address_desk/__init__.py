"""Tests of `vroeg_pipeline.address_desk`."""
