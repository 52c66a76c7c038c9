import ConformanceKit
import SpecLanguage
import SpecProgram
import TraceValidation

/// A deviation with the answers that a spec gives: a test, and what is new about it.
struct DeviationTest {
  private(set) var steps: [ConformanceTest.Step] = []
  /// What the test shows: hashes of calls with their answers and of what came before them.
  private(set) var shown: [[UInt64]] = []
  /// Of these what other tests need not show again.
  private(set) var counted: Set<UInt64> = []
  /// For each step the SEAMCALLs by leaf, once each.
  private(set) var leaves: [[String]] = []
  /// Whether the spec lets the system report something broken, or SEAMCALLs are made to fail, after
  /// which a key id may stay with a TD that is gone.
  private(set) var condones = false

  /// Where the calls aside are among the steps, and behind them those that look what they did.
  private(set) var asides: Range<Int>?
  private(set) var looks: Range<Int>?

  /// Calls that change nothing and are refused, whether or not they are worth making.
  private(set) var refusals: [Call: Refusal] = [:]

  /// What tests look at besides answers.
  struct Sight: Sendable {
    var seamcalls: Bool
    var written: Bool
  }

  private let sight: Sight
  /// What made the last change.
  private var context = ""

  /// - Parameters:
  ///   - isNew: whether no test has shown it.
  ///   - keepsAll: every call that changes nothing is worth making, and not only one that shows
  ///     something new.
  /// - Returns: nil when the spec has no room for the calls.
  init?(
    _ deviation: Deviation, _ life: Life, _ programs: ReplayPrograms, _ sight: Sight,
    keepsAll: Bool = false, isNew: (UInt64) -> Bool
  ) {
    self.sight = sight
    // With the life's own calls, memory is cut alike in most deviations.
    let calls = (life.calls + deviation.steps.map(\.call)).map { TraceValue($0) }
    let made = Result { () throws(SpecError) in
      try SequenceOracle(life.environment, cpus: life.cpus, calls, programs)
    }
    guard case .success(var oracle) = made else { return nil }
    var handles: Set<String> = ["dev"]
    var newReasons: [UInt64] = []
    for (number, step) in deviation.steps.enumerated() where Self.canMake(step.call, handles) {
      if step.isLook, newReasons.isEmpty { continue }
      let before = oracle
      guard let answer = oracle.answer(life.calls.count + number) else { continue }
      if step.isAside {
        oracle = before
        if answer.isRefusal {
          refusals[step.call] = Refusal(errno: answer.outcome, check: answer.check)
        }
        let shows = show(step.call, answer)
        guard !answer.changes else { continue }
        if step.isLook {
          for reason in newReasons { counted.insert(Self.hash("\(reason) then \(shows[1])")) }
        } else {
          guard keepsAll || deviation.counted(shows).contains(where: isNew) else { continue }
          if answer.isRefusal, isNew(shows[1]) { newReasons.append(shows[1]) }
        }
        note(step, at: steps.count)
      } else if !answer.isRefusal {
        Self.note(step.call, &handles)
      }
      let isValue = step.isAside && !step.isLook
      add(step.call, answer, isValue ? deviation.counted : Deviation.countedAnywhere)
      condones = condones || oracle.isBroken || step.call.name == "standin_fail"
    }
    if let answer = oracle.end() {
      add(Call("exit"), answer, Deviation.countedAnywhere)
    }
  }

  private mutating func note(_ step: Deviation.Step, at place: Int) {
    if step.isLook {
      looks = (looks?.lowerBound ?? place)..<place + 1
    } else {
      asides = (asides?.lowerBound ?? place)..<place + 1
    }
  }

  private static func text(_ call: Call, _ argument: String) -> String? {
    guard case .text(let text)? = call.arguments[argument] else { return nil }
    return text
  }

  /// Whether the descriptor and the mapping that it names were made; a memfd need not be there.
  private static func canMake(_ call: Call, _ handles: Set<String>) -> Bool {
    if let on = text(call, "on"), !handles.contains(on) { return false }
    if let new = text(call, "new"), handles.contains(new) { return false }
    if let hva = text(call, "hva"), hva.hasPrefix("map") {
      return handles.contains(String(hva.prefix { $0 != "+" }))
    }
    return true
  }

  private static func note(_ call: Call, _ handles: inout Set<String>) {
    guard call.arguments["by"] == nil else { return }
    if let new = text(call, "new") { handles.insert(new) }
    if call.name == "munmap", let on = text(call, "on") { handles.remove(on) }
  }

  private mutating func add(
    _ call: Call, _ answer: SequenceOracle.Answer, _ count: ([UInt64]) -> ArraySlice<UInt64>
  ) {
    let shows = show(call, answer)
    shown.append(shows)
    counted.formUnion(count(shows))
    leaves.append(answer.leaves.map(\.name).uniqued)
    if answer.changes { context = "\(call.name) \(answer.outcome) \(answer.check)" }
    var written: [String: TestValue] = [:]
    if sight.written { written = answer.written.mapValues(\.asTestValue) }
    if sight.seamcalls, let list = Self.list(answer.leaves) {
      written[SeamcallList.name] = list
    }
    steps.append(
      ConformanceTest.Step(call, expect: [Self.expected(call, answer.outcome)], written: written))
  }

  /// Nil when it is not known where in the guest a SEAMCALL works.
  private static func list(_ leaves: [SequenceOracle.Leaf]) -> TestValue? {
    var list = SeamcallList()
    for leaf in leaves {
      if SeamcallList.isPlaced(leaf.name), leaf.gpa == nil { return nil }
      list.add(leaf.name, status: leaf.status, gpa: leaf.gpa)
    }
    return list.value
  }

  private static func expected(_ call: Call, _ outcome: String) -> ExpectedOutcome {
    if outcome == "ok" {
      return call.arguments["new"] == nil ? .exactly(.ok(0)) : .success
    }
    if let number = Int64(outcome) { return .exactly(.ok(.integer(number))) }
    // A child makes the access and tells which signal it died of.
    if outcome.hasPrefix("SIG") { return .exactly(.ok(0)) }
    guard let errno = Errno(name: outcome) else { return .exactly(.ok(.text(outcome))) }
    return .exactly(.errno(errno))
  }

  /// What making the call here shows: the call with its answer; the answer's reason, its
  /// SEAMCALLs and what it wrote; and these after the last change.
  private func show(_ call: Call, _ answer: SequenceOracle.Answer) -> [UInt64] {
    let reason = "\(call.name) \(answer.outcome) \(answer.check)"
    let list = answer.leaves.map { "\($0.name)\($0.status)" }.uniqued.joined(separator: " ")
    return [
      Self.hash("\(call) \(answer.outcome) \(answer.check)"), Self.hash("\(reason) \(list)"),
      Self.hash("\(context) then \(reason)"),
    ]
  }

  /// 64-bit FNV-1a.
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
