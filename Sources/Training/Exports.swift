// `TrainingTask` has GLUE's tasks as its cases.
@_exported import enum Text.GlueTask
