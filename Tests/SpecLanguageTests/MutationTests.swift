import Testing

@testable import SpecLanguage

private struct Mutable: Spec {
  static let name = "test/mutable"
  let summary = "something to break"
  enum Worker: Role {}
  let workers = Parameter("threads", of: Worker.self, 1...2, default: 1)
  let flag = Var(false)
  let other = Var(false)
  let mutex = Lock("mutex", rank: 10)
  let shared = RWLock("shared", rank: 20)

  private var leaf: Action { Action("LEAF") { Step("writes") { flag <- true } } }

  var actions: [Action] {
    Action("CALL", by: Worker.self) {
      Check(!flag && !other, else: .EBUSY)
      Holding(mutex) {
        Holding(shared, .write) { Call(leaf) }
        Step("more") { other <- true }
      }
    }
  }

  var properties: [Property] { Always("P", "nothing") { !flag } }
}

@Suite("Mutations") struct MutationTests {
  private let part = Mutable()

  private func reading(_ edits: [Edit]) throws -> String {
    let mutation = Mutation("M", "m", caughtBy: ["P"]) { edits }
    let mutated = try SpecDescription(part).mutated(by: mutation)
    return ActionReader(mutated).text(mutated.actions[0])
  }

  private var plain: String {
    let spec = SpecDescription(part)
    return ActionReader(spec).text(spec.actions[0])
  }

  @Test("a step goes, in a called action too") func steps() throws {
    #expect(plain.contains("writes") && plain.contains("more"))
    #expect(try !reading([Without(step: "more")]).contains("more"))
    #expect(try !reading([Without(step: "writes")]).contains("“writes”"))
    #expect(try reading([Without(step: "writes", in: "LEAF")]).contains("more"))
    #expect(try !reading([Without(call: "LEAF")]).contains("LEAF"))
  }

  @Test("a part of a conjunction goes; the rest stays") func conditions() throws {
    let text = try reading([Without(check: "flag is false")])
    #expect(!text.contains("flag is false"))
    #expect(text.contains("other is false"))
    #expect(try !reading([Without(refusal: .EBUSY)]).contains("EBUSY"))
  }

  @Test("what a lock guarded stays") func locks() throws {
    let text = try reading([Without(lock: part.mutex)])
    #expect(!text.contains("mutex"))
    #expect(text.contains("more") && text.contains("shared"))
    #expect(try reading([Shared(part.shared)]) != plain)
  }

  @Test("other statements take a step's place") func replaced() throws {
    let text = try reading([Replacing(step: "more") { Step("less") { part.other <- false } }])
    #expect(text.contains("less") && !text.contains("more"))
  }

  @Test("the property that must notice is expected to break") func expectation() throws {
    let mutation = Mutation("M", "m", caughtBy: ["P"]) { Without(step: "more") }
    let mutated = try SpecDescription(part).mutated(by: mutation)
    #expect(mutated.properties[0].expected == .violated)
  }

  @Test("an edit that finds nothing, or a property that is not there, is an error") func missing() {
    for edits in [
      [Without(step: "no such")], [Without(call: "no such")], [Without(check: "no such")],
      [Without(refusal: .EPERM)], [Without(step: "more", in: "LEAF")],
      [Without(lock: part.mutex, in: "LEAF")],
    ] {
      #expect(throws: MutationError.self) { try reading(edits) }
    }
    let unknown = Mutation("M", "m", caughtBy: ["Q"]) { Without(step: "more") }
    #expect(throws: MutationError.self) { try SpecDescription(part).mutated(by: unknown) }
  }
}
