// The errors of files and configurations, which clients catch.
@_exported import Support
