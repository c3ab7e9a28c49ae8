/// A numbered invariant of `KernelVerifier`.
package enum KernelRule: String, Sendable, CaseIterable {
    case buffers = "K1"
    case elements = "K2"
    case programs = "K3"
    case sizes = "K4"
    case readOnly = "K5"
    case inPlace = "K6"
    case workingMemory = "K7"
    case panels = "K8"
    case reductions = "K9"
    case attention = "K10"
    case rows = "K11"
}
