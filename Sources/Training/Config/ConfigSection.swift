import Support

/// A group of fields of `train.json` that belong together: their values, their part of the table, and how they must
/// go with one another and with other sections.
protocol ConfigSection: Sendable, Equatable {
    init()
    /// The fields in the order of the documentation. The file is flat: their names are unique among all sections.
    static var fields: [ConfigField<Self>] { get }
    /// Checks fields against one another; each by itself is legal already.
    ///
    /// - Throws: `ConfigError` naming the field.
    func check(in config: TrainingConfig) throws
}

extension ConfigSection {
    func check(in config: TrainingConfig) throws {}
}
