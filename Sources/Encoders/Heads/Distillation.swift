/// What a model learns from another one beside its labels (Hinton et al., arXiv:1503.02531; Sanh et al., arXiv:1910.01108).
///
/// The loss is (1 - weight) · that of the labels + weight · T² · KL(teacher ‖ student) of the softmax of logits / T; for
/// regression the mean squared difference has the place of KL and T². States of layers add `stateWeight` · the mean over the pairs of
/// layers.
public struct Distillation: Sendable, Equatable {
    /// How the states of a layer are compared, over real tokens.
    public enum StateLoss: String, Sendable, CaseIterable {
        /// The mean of 1 - cos, as `torch.nn.CosineEmbeddingLoss` has it.
        case cosine
        /// The mean of squared differences.
        case mse
    }

    /// What logits are divided by.
    public var temperature = 2.0
    /// The teacher's share of the loss, from 0 to 1.
    public var weight = 0.5
    /// How states are compared; nil when they are not.
    public var stateLoss: StateLoss?
    /// What the loss of states is multiplied by.
    public var stateWeight = 1.0
    /// Layers whose states are compared, counted from 0.
    public var layers: [LayerPair] = []

    /// A layer of the student, and the one of the teacher that it learns from.
    public struct LayerPair: Sendable, Equatable {
        /// The student's.
        public var student: Int
        /// The teacher's.
        public var teacher: Int

        /// A pair of layers.
        public init(student: Int, teacher: Int) {
            self.student = student
            self.teacher = teacher
        }
    }

    /// The defaults of Transformers' examples.
    public init() {}

    package static let logits = "teacher_logits"

    /// The input with the teacher's states for a student's layer, f32[tokens, width].
    package static func states(ofStudent layer: Int) -> String { "teacher_states.\(layer)" }

    /// The outputs that add up to the loss where states are compared: means over examples, and over tokens.
    package static let lossTerms = ["task_loss", "state_loss"]

    /// The outputs that add up to the loss.
    package var lossTerms: [String] { stateLoss == nil ? ["loss"] : Self.lossTerms }
}
