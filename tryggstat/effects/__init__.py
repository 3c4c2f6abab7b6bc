"""Did the measure help? Series, comparison areas, synthetic control, displacement."""
