/// One example of a data set: a text or a pair of texts, and its label if it is known.
package struct TextExample: Sendable, Equatable {
    package var text: String
    package var pair: String?
    /// A class name, or a number as it is spelled in the file.
    package var label: String?
    /// Names of classes, any number of them; nil where examples have one label or none.
    package var labels: [String]?
    /// How much it counts in training beside others; nil is 1.
    package var weight: Float?

    package init(
        text: String, pair: String? = nil, label: String? = nil, labels: [String]? = nil, weight: Float? = nil
    ) {
        self.text = text
        self.pair = pair
        self.label = label
        self.labels = labels
        self.weight = weight
    }
}
