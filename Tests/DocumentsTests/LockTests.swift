import Documents
import Explorer
import SpecLanguage
import SpecProgram
import Testing

/// The lock table against the locks that threads hold in reachable states.
@Suite struct CalledLockTests {
  /// A lock's name without its index, and how it is held.
  private static func base(_ text: String) -> String {
    let end = text.hasSuffix("shared") || text.hasSuffix("for read") ? " shared" : ""
    let name = text.split(separator: "[")[0].split(separator: " ")[0]
    return name + end
  }

  /// The locks that a thread holds, by the cells of the state.
  private static func held(_ thread: Int, _ state: [Int], _ program: Program) -> Set<String> {
    var result: Set<String> = []
    for (index, cell) in program.cells.enumerated() {
      guard case .variable(let id) = cell.role else { continue }
      for lock in program.spec.locks {
        if lock.owner.id == id, state[index] == thread + 1 { result.insert(lock.name) }
        if lock.readers?.id == id, state[index] == 1, cell.name.hasSuffix("∋ t\(thread)") {
          result.insert(lock.name + " shared")
        }
      }
    }
    return result
  }

  /// - Parameter most: so many states are looked at, nearest first.
  private func expectSound(_ program: Program, leastRows: Int, most: Int = .max) throws {
    let rows = program.calledLocks
    #expect(rows.count >= leastRows)
    var begun: Set<CalledLocks> = []
    let interpreter = Interpreter(program)
    var seen: Set<[Int]> = [program.initial]
    var queue = [program.initial]
    var next = 0
    while next < min(queue.count, most) {
      let state = queue[next]
      next += 1
      for transition in try interpreter.transitions(from: state) {
        if seen.insert(transition.state).inserted { queue.append(transition.state) }
        guard let thread = transition.label.thread else { continue }
        let kind = program.kind(of: transition.label)
        let held = Self.held(thread, state, program)
        for row in rows where program.entering(kind).contains(row.called) {
          guard program.path(of: kind).starts(with: row.callers + [row.called]) else { continue }
          begun.insert(row)
          let surely = Set(row.atBegin.surely.map(Self.base))
          let maybe = Set(row.atBegin.maybe.map(Self.base))
          #expect(surely.isSubset(of: held), "\(row.called)")
          #expect(held.isSubset(of: surely.union(maybe)), "\(row.called)")
        }
      }
    }
    #expect(!begun.isEmpty)
  }

  @Test func locksOfATeardownAreThoseOfReachableStates() throws {
    try expectSound(
      Support.program("teardown/terminate-vm-v4", "small"), leastRows: 10, most: 12_000)
  }

  @Test func locksOfASmallSpecAreNamedWithTheirIndex() throws {
    let program = try Support.program(SlotSpec())
    let row = try #require(program.calledLocks.first)
    #expect(row.called == "SEAL")
    #expect(row.callers == ["CLOSE"])
    #expect(row.atBegin.surely == ["big for read", "slot->lock[s]"])
    #expect(row.atEnd.surely == ["big for read", "slot->lock[s]", "MODULE"])
    #expect(row.atBegin.maybe.isEmpty && row.atEnd.maybe.isEmpty)
    try expectSound(program, leastRows: 1)
  }
}
