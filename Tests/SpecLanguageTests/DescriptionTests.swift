import Testing

@testable import SpecLanguage

@Suite("Declarations and source lines") struct DescriptionTests {
  @Test("variables are found in order of declaration, parts included") func order() {
    let description = SpecDescription(SampleSpec())
    #expect(description.name == "test/sample")
    #expect(
      description.variables.map(\.name) == [
        "td", "kvm->lock", "sept", "mmu_lock", "mmu_lock readers", "assoc", "stale", "tries",
        "busy", "seen", "vcpu->mutex",
      ])
    #expect(description.locks.map(\.name) == ["kvm->lock", "mmu_lock", "vcpu->mutex"])
    #expect(description.parameters.map(\.name) == ["vcpus", "pages", "LIMIT"])
    #expect(description.parameters.map(\.sizeOf) == [VCPU.sort, Page.sort, nil])
    #expect(description.constants.map(\.key) == [Page.sort])
  }

  @Test("a variable knows its kind, type and line") func kinds() {
    let description = SpecDescription(SampleSpec())
    let kinds = Dictionary(
      uniqueKeysWithValues: description.variables.map { ($0.name, $0.declaration) })
    #expect(kinds["td"]?.kind == .state)
    #expect(kinds["seen"]?.kind == .ghost)
    #expect(kinds["mmu_lock readers"]?.kind == .lock(name: "mmu_lock"))
    #expect(kinds["mmu_lock readers"]?.type == .set(.thread))
    #expect(kinds["vcpu->mutex"]?.indices == [.element(VCPU.sort)])
    #expect(kinds["stale"]?.indices == [.element(VCPU.sort), .element(Page.sort)])
    #expect(kinds["tries"]?.type == .integer(0...3))
    #expect(kinds["assoc"]?.type == .optional(.element(Page.sort)))
    let lines = description.variables.map(\.declaration.location.line)
    #expect(lines.allSatisfy { $0 > 0 })
    #expect(kinds["td"].map { $0.location.line + 1 } == kinds["kvm->lock"]?.location.line)
  }

  @Test("ids rise in order of declaration, in every spec built") func identities() {
    for _ in 0..<2 {
      let ids = SpecDescription(SampleSpec()).variables.map(\.declaration.id.raw)
      // A stored part is initialised where it stands, so its ids lie between its neighbours'.
      #expect(ids == ids.sorted())
      #expect(Set(ids).count == ids.count)
    }
  }

  @Test("a name in two places is one declaration") func shared() {
    struct Twice: Spec {
      static let name = "test/twice"
      let summary = ""
      let first: Inner
      let second: Inner
      var actions: [Action] { [] }
      var properties: [Property] { [] }
    }
    let inner = Inner()
    let description = SpecDescription(Twice(first: inner, second: inner))
    #expect(description.variables.map(\.name) == ["sept", "mmu_lock", "mmu_lock readers"])
    #expect(description.locks.count == 1)
    #expect(description.parameters.count == 1)
  }

  @Test("a statement is at its own line") func lines() {
    let spec = SampleSpec()
    let start = #line
    let action = Action("a", each: VCPU.self, by: Worker.self) { v in
      Require(spec.td == .none)
      spec.td <- .created
      Step("two writes") {
        spec.tries <- spec.tries + 1
        spec.assoc[v] <- nil
      }
      When(spec.seen) {
        spec.td <- .runnable
      } else: {
        spec.td
          <- .none
      }
      Holding(spec.kvmLock) {
        Return(.EBUSY)
      }
    }
    #expect(action.location.line == start + 1)
    #expect(action.body.map { $0.location.line - start } == [2, 3, 4, 8, 14])
    guard case .step(_, let two) = action.body[2].kind,
      case .when(_, let yes, let no) = action.body[3].kind,
      case .holding(_, let inside) = action.body[4].kind
    else {
      Issue.record("the body has another shape")
      return
    }
    #expect(two.map { $0.location.line - start } == [5, 6])
    #expect(yes.map { $0.location.line - start } == [9])
    #expect(no.map { $0.location.line - start } == [11])
    #expect(inside.map { $0.location.line - start } == [15])
    #expect(action.location.file == "SpecLanguageTests/DescriptionTests.swift")
  }

  @Test("properties know their kind, line and expectation") func properties() throws {
    let spec = SampleSpec()
    let line = #line
    let always = Always("A", "a") { spec.seen }.expect(.violated, because: "it starts false")
    let forbidden = Forbidden("F", "f", cites: "x", "y") { spec.seen }
    let possible = Possible("P", "p", call: "c", after: spec.td == .none) {
      spec.seen
      spec.td == .created
    }
    #expect(always.location.line == line + 1)
    #expect(always.expected == .violated)
    #expect(always.expectedReason == "it starts false")
    #expect(forbidden.citations == ["x", "y"])
    guard case .always(.not(let inner)) = forbidden.kind,
      case .possible(.and(let parts), let call, let after) = possible.kind
    else {
      Issue.record("the properties have another shape")
      return
    }
    #expect(inner == spec.seen.node)
    #expect(parts.count == 2)
    #expect(call == "c")
    #expect(after == (spec.td == .none).node)
  }

  @Test("plain Swift values choose between statements when a spec is put together")
  func variants() {
    let spec = SampleSpec()
    func action(_ flag: Bool) -> Action {
      Action("a") {
        if flag { Require(spec.seen) }
        if flag { spec.td <- .created } else { spec.td <- .runnable }
        Statements {
          spec.tries <- 1
          spec.tries <- 2
        }
      }
    }
    #expect(action(true).body.count == 4)
    #expect(action(false).body.count == 3)
  }
}
