import Autodiff
import GraphIR
import Testing

@Suite struct ChangeParametersTests {
    private func graph() throws -> Graph {
        try GraphBuilder.build("g") { g in
            let (a, b) = (g.parameter("a", [3]), g.parameter("b", [3]))
            let state = g.parameter("state", [3], role: .state)
            let y = g.scope("label") { a * b }
            g.output("loss", y.sum())
            g.update(state, to: state + y)
        }
    }

    @Test func onlyWhatIsTrainedIsFrozen() throws {
        let frozen = try graph().freezingParameters { $0 != "b" }
        #expect(
            frozen.description
                == (try graph()).description.replacing(
                    "\"a\", role = trainable", with: "\"a\", role = frozen"))
        #expect(try parametersWithoutGradient(frozen).isEmpty)
        #expect(try trainingStep(frozen).updates.count == graph().updates.count + 3)
    }

    @Test func aNameThatIsTakenIsRefused() throws {
        let renamed = try graph().renamingParameters { "model.\($0)" }
        #expect(
            renamed.description == (try graph()).description.replacing("name = \"", with: "name = \"model."))
        try renamed.verify()
        let twice = try graph().renamingParameters { $0 == "a" ? "b" : $0 }
        #expect(throws: IRError.self) { try twice.verify() }
    }
}
