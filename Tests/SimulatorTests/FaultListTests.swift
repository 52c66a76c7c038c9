import Foundation
import Simulator
import Testing

/// Conformance/Faults/faults.txt, which tools/faults makes.
@Suite("The committed list of faults")
struct FaultListTests {
  struct Line: Sendable {
    let id: String
    let kind: String
    let text: String
    let witness: String
  }

  static let lines: [Line] = {
    let text = (try? String(contentsOfFile: "Conformance/Faults/faults.txt", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      let cells = line.split(separator: "\t").map(String.init)
      #expect(cells.count == 4, "\(line)")
      return Line(id: cells[0], kind: cells[1], text: cells[2], witness: cells[3])
    }
  }()

  /// Random calls seldom come to a limit: there are 19 faults of limits, and few that show.
  private static let least: [FaultClass: Int] = [.offByOne: 4]

  @Test("There are 150 and more, at least 10 of each class but one, each once")
  func quota() {
    #expect(Self.lines.count >= 150)
    #expect(Set(Self.lines.map(\.id)).count == Self.lines.count)
    for kind in FaultClass.allCases {
      #expect(Self.lines.count { $0.kind == kind.rawValue } >= Self.least[kind] ?? 10, "\(kind)")
    }
  }

  @Test("Each is a fault of the simulator, as the list describes it")
  func areFaults() {
    for line in Self.lines {
      let fault = Fault(id: line.id)
      #expect(fault?.summary == line.text)
      #expect(fault?.faultClass.rawValue == line.kind)
    }
  }

  @Test("Each shows in the calls that it names")
  func show() throws {
    let witness = FaultWitness()
    for line in Self.lines {
      let fault = try #require(Fault(id: line.id))
      #expect(witness.shows(fault, in: line.witness), "\(line.id) in \(line.witness)")
    }
  }

  /// Conformance/Faults/survivors.txt, which `tdxspec mutate --suite --survivors` compares with
  /// what survives.
  @Test("Faults that are known to survive are of the list, each once and with a reason")
  func survivors() throws {
    let text = try String(contentsOfFile: "Conformance/Faults/survivors.txt", encoding: .utf8)
    let known = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
    let cells = known.map { $0.split(separator: "\t").map(String.init) }
    #expect(cells.allSatisfy { $0.count == 2 && $0[1].count > 20 })
    #expect(Set(cells.map { $0[0] }).count == cells.count)
    #expect(Set(cells.map { $0[0] }).isSubset(of: Self.lines.map(\.id)))
  }

  @Test("Bugs that there were are among them, or said to show in none of the calls tried")
  func history() throws {
    let text = try String(contentsOfFile: "Conformance/Faults/faults.txt", encoding: .utf8)
    let ids = Set(Self.lines.map(\.id) + text.split(separator: "\n").compactMap(Self.unseen))
    for bug in HistoricalBug.all {
      guard let fault = bug.fault else { continue }
      #expect(Fault.all.contains(fault), "\(bug.name): \(fault.id)")
      #expect(ids.contains(fault.id), "\(bug.name): \(fault.id)")
    }
    #expect(HistoricalBug.all.count { $0.fault != nil } >= 15)
  }

  /// The id of a fault that was drawn and did not show.
  private static func unseen(_ line: Substring) -> String? {
    let head = "# drawn, and shown by no calls tried: "
    return line.hasPrefix(head) ? String(line.dropFirst(head.count)) : nil
  }

  @Test("Without a fault nothing shows")
  func soundShowsNothing() {
    let witness = FaultWitness()
    let harmless = Fault("KVM_RUN", .limitTooHigh, "nothing of that name")
    for name in ["kvm:1", "standin:2", "in-place:3", "plain:4", "threads:5"] {
      #expect(!witness.shows(harmless, in: name), "\(name)")
    }
    let other = Fault("MNG.INIT", .limitTooHigh, "nothing of that name")
    for number in 0..<20 { #expect(!witness.shows(other, in: "module:\(number)")) }
    #expect(!witness.shows(harmless, in: "no such sequence"))
  }
}
