import Documents
import SpecLanguage
import SpecProgram
import Testing

@Suite struct DifferenceTests {
  private func compare(_ a: Program, _ b: Program) throws -> SpecDifference {
    try SpecDifference(Support.compared(a), Support.compared(b))
  }

  @Test(arguments: ["tutorial/ticket-lock", "tutorial/turns", "teardown/terminate-vm-v4"])
  func aSpecDoesNotDifferFromItself(_ name: String) throws {
    let scope = name.hasPrefix("teardown") ? "small" : nil
    let difference = try compare(Support.program(name, scope), Support.program(name, scope))
    #expect(difference.isEmpty)
    #expect(difference.isComplete)
    #expect(difference.status == .success)
  }

  @Test func anotherAnswerIsFoundOnBothSidesWithRunsThatReplay() throws {
    var other = SlotSpec()
    other.whenFull = .EBUSY
    let difference = try compare(Support.program(SlotSpec()), Support.program(other))
    #expect(difference.status == .failure)
    #expect(difference.calls.isEmpty && difference.locks.isEmpty)
    #expect(
      difference.answers.map { "\($0.side) \($0.call) \($0.answer.text)" }
        == ["a FILL -EEXIST", "b FILL -EBUSY"])
    #expect(difference.checks.map(\.name) == ["FILL"])
    #expect(difference.checks[0].lines.compactMap(\.side) == [.a, .b])
    #expect(!difference.cells.isEmpty)
    for witness in (difference.answers + difference.cells).map(\.witness) {
      let witness = try #require(witness)
      #expect(try Support.replays(witness.trace, in: witness.program))
    }
  }

  @Test func anotherLockIsFound() throws {
    var other = SlotSpec()
    other.locksFirst = false
    let difference = try compare(Support.program(SlotSpec()), Support.program(other))
    #expect(difference.locks.map(\.called) == ["SEAL"])
    #expect(difference.locks[0].a?.atBegin.surely == ["big for read", "slot->lock[s]"])
    #expect(difference.locks[0].b?.atBegin.surely == ["big for read"])
    #expect(difference.locks[0].witnesses.map(\.side) == [.a, .b])
  }

  @Test func whatIsAllowedOneWayIsForbiddenTheOther() throws {
    let mainline = try Support.program("teardown/mainline", "small")
    let v4 = try Support.program("teardown/terminate-vm-v4", "small")
    let there = try compare(mainline, v4)
    let back = try compare(v4, mainline)
    #expect(!there.isEmpty)
    func keys(_ all: [SpecDifference.Answer], flipped: Bool) -> Set<String> {
      Set(
        all.map { cell in
          let isA = (cell.side == .a) != flipped
          let row = cell.row.map { "\($0.subject) \($0.value)" } ?? ""
          return "\(isA) \(cell.call) \(row) \(cell.answer.text)"
        })
    }
    #expect(keys(there.answers, flipped: false) == keys(back.answers, flipped: true))
    #expect(keys(there.cells, flipped: false) == keys(back.cells, flipped: true))
    #expect(Set(there.locks.map(\.called)) == Set(back.locks.map(\.called)))
    #expect(Set(there.calls.map(\.name)) == Set(back.calls.map(\.name)))
    #expect(there.calls.first { $0.name == "KVM_TDX_TERMINATE_VM" }?.side == .b)
    #expect(there.answers.contains { $0.side == .b && $0.call == "KVM_RUN" && $0.answer == .EIO })
    #expect(Set(there.checks.map(\.name)) == Set(back.checks.map(\.name)))
  }

  @Test func specsWithoutACommonActionAreRefused() throws {
    let error = #expect(throws: SpecError.self) {
      try compare(Support.program("tutorial/ticket-lock"), Support.program("tutorial/turns"))
    }
    #expect(error?.code == "TDX2040")
  }

  @Test func theMarkdownFitsAMail() throws {
    var other = SlotSpec()
    other.whenFull = .EBUSY
    other.locksFirst = false
    let difference = try compare(Support.program(SlotSpec()), Support.program(other))
    let text = DifferenceText(difference, scope: nil).markdown
    MarkdownCheck.expectValid(text)
    #expect(text.contains("| -EBUSY [2] ") && text.contains("| -EEXIST [1] "))
    #expect(text.contains("[1] In A: FILL answers -EEXIST: "))
  }
}
