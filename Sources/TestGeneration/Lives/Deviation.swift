import ConformanceKit

/// A sequence of calls to be tried: a life, or one that differs from it.
struct Deviation {
  struct Step {
    var call: Call
    /// The call is left out unless it changes nothing: what follows goes on as if it were not
    /// there.
    var isAside = false
    /// The call, aside, is made after one that is refused for a new reason: it would show what that
    /// one has changed.
    var isLook = false
  }

  /// What it is called: the life and the kind.
  let name: String
  let purpose: String
  let steps: [Step]
  /// Each value of an argument counts in calls aside, and not only why they are refused.
  var countsValues = true
  /// Before which call of the life the calls aside are made; nil where that are several.
  var place: Int?

  /// What of a call's ``DeviationTest/shown`` other tests need not show again: the reason of its
  /// answer with the SEAMCALLs; aside also the call itself.
  func counted(_ shows: [UInt64]) -> ArraySlice<UInt64> {
    countsValues ? shows.prefix(2) : Self.countedAnywhere(shows)
  }

  static func countedAnywhere(_ shows: [UInt64]) -> ArraySlice<UInt64> { shows[1..<2] }
}

/// Why a call is refused.
struct Refusal: Hashable {
  let errno: String
  let check: String
}

/// Every way to deviate from a life that a suite looks at.
struct Deviations {
  let life: Life
  private let variants: CallVariants

  init(_ life: Life) {
    self.life = life
    variants = CallVariants(life.calls)
  }

  private func make(_ kind: String, _ purpose: String, _ calls: [Call]) -> Deviation {
    Deviation(
      name: "\(life.name)-\(kind)", purpose: purpose,
      steps: Self.distinct(calls).map { Deviation.Step(call: $0) })
  }

  /// What calls make has different names.
  private static func distinct(_ calls: [Call]) -> [Call] {
    var taken: Set<TestValue> = []
    return calls.map { call in
      var call = call
      while let new = call.arguments["new"], !taken.insert(new).inserted {
        guard case .text(let text) = new else { break }
        call.arguments["new"] = .text(text + "0")
      }
      return call
    }
  }

  var straight: Deviation { make("life", "the life as it is", life.calls) }

  /// A call is missing, is made twice, or is made before the one before it.
  var order: [Deviation] {
    let calls = life.calls
    return calls.indices.flatMap { place -> [Deviation] in
      let call = calls[place]
      var without = calls
      without.remove(at: place)
      var twice = calls
      twice.insert(call, at: place)
      var result = [
        make("drop", "without \(call)", without), make("repeat", "\(call) twice", twice),
      ]
      if place > 0 {
        var swapped = calls
        swapped.swapAt(place - 1, place)
        result.append(make("swap", "\(call) before \(calls[place - 1])", swapped))
      }
      return result
    }
  }

  /// Each call five times: what lasts some times only does not.
  var often: Deviation {
    make(
      "often", "each call five times",
      life.calls.flatMap { [Call](repeating: $0, count: Self.speaksToStandin($0) ? 1 : 5) })
  }

  /// The whole life with a refused call before each of its calls: a refused call leaves nothing.
  ///
  /// - Parameter refusals: for each place calls that are refused there.
  func refused(_ refusals: [[Call]]) -> [Deviation] {
    let most = refusals.map(\.count).max() ?? 0
    return (0..<most).map { round in
      let steps = life.calls.indices.flatMap { place -> [Deviation.Step] in
        let own = refusals[place]
        let step = Deviation.Step(call: life.calls[place])
        guard !own.isEmpty else { return [step] }
        return [Deviation.Step(call: own[round % own.count], isAside: true), step]
      }
      return Deviation(
        name: "\(life.name)-refused", purpose: "a refused call before each call of the life",
        steps: steps)
    }
  }

  /// A call with one other argument.
  var replacements: [Deviation] {
    life.calls.indices.flatMap { place in
      variants.changes(of: life.calls[place]).map { change in
        var calls = life.calls
        calls[place] = change.applied(to: calls[place])
        return make("value", "\(calls[place])", calls)
      }
    }
  }

  /// A later call, or one with another argument, comes earlier, where it succeeds.
  ///
  /// - Parameter distance: how many calls earlier.
  func early(_ distance: Int) -> [Deviation] {
    life.calls.indices.compactMap { place in
      guard place >= distance else { return nil }
      var calls = life.calls
      let call = calls.remove(at: place)
      calls.insert(call, at: place - distance)
      return make("move", "\(call) \(distance) calls earlier", calls)
    }
  }

  /// A SEAMCALL of a call fails.
  ///
  /// - Parameter leaves: for each call of the life the leaves that it calls.
  func failures(_ leaves: [[String]]) -> [Deviation] {
    zip(life.calls.indices, leaves).flatMap { place, leaves in
      leaves.filter(Self.fallible.contains).flatMap { leaf in
        Self.statuses.map { status, count in
          var calls = life.calls
          let told = Call(
            "standin_fail",
            ["leaf": .text(leaf), "count": .integer(count), "status": .text(status)])
          calls.insert(told, at: place)
          return make("fail", "\(leaf) fails \(count) times with \(status)", calls)
        }
      }
    }
  }

  /// Leaves whose failures were recorded, but for those that only read or write fields.
  private static let fallible: Set<String> = [
    "TDH.MEM.PAGE.ADD", "TDH.MEM.PAGE.AUG", "TDH.MEM.PAGE.REMOVE", "TDH.MEM.RANGE.BLOCK",
    "TDH.MEM.SEPT.ADD", "TDH.MEM.TRACK", "TDH.MNG.ADDCX", "TDH.MNG.CREATE", "TDH.MNG.INIT",
    "TDH.MNG.KEY.CONFIG", "TDH.MR.EXTEND", "TDH.MR.FINALIZE", "TDH.VP.ADDCX", "TDH.VP.CREATE",
    "TDH.VP.INIT",
  ]

  /// Entropy is waited for up to ten times, a busy operand is tried again by some, and others
  /// are errors (kvm-tdx §1.6).
  private static let statuses: [(String, Int64)] = [
    ("0x8000020300000000", 1), ("0x8000020300000000", 11), ("0x8000020000000000", 1),
    ("0x8000020000000092", 2), ("0xc000010000000001", 1),
  ]

  /// Calls that are refused or change nothing, as many in a row as a sequence has room for, at a
  /// place of the life: each call of it with each other argument, and as it is.
  ///
  /// - Parameter place: before which call.
  func asides(at place: Int) -> [Deviation] {
    var all: [Call] = []
    for call in life.calls.uniqued where !Self.speaksToStandin(call) {
      let changes = variants.changes(of: call)
      all += ([call] + changes.map { $0.applied(to: call) }).map(renamed)
    }
    return chunks(all.uniqued, at: place, countsValues: false)
  }

  /// A call of the life, as it is and with each other argument alone, before it is made.
  func own(at place: Int) -> [Deviation] {
    let call = life.calls[place]
    guard !Self.speaksToStandin(call) else { return [] }
    return chunks(([renamed(call)] + changes(at: place).map(\.call)).uniqued, at: place)
  }

  /// Every call of the life that makes nothing, as it is: where it changes nothing, its answer
  /// tells what calls before it have changed.
  private var looks: [Call] {
    life.calls.uniqued.filter { !Self.speaksToStandin($0) && $0.arguments["new"] == nil }
  }

  private func changes(at place: Int) -> [(change: CallVariants.Change, call: Call)] {
    let call = life.calls[place]
    guard !Self.speaksToStandin(call) else { return [] }
    return variants.changes(of: call).map { ($0, renamed($0.applied(to: call))) }
  }

  /// A call with two other arguments, each of which alone is refused with another errno: which of
  /// the two is answered shows the order of the checks. Once for each two reasons.
  ///
  /// - Parameter refusals: the errno of each call of ``own(at:)`` that is refused, and why.
  func pairs(at place: Int, _ refusals: [Call: Refusal]) -> [Deviation] {
    let refused = changes(at: place).compactMap { change, call in
      refusals[call].map { (change: change, refusal: $0) }
    }
    var seen: Set<[Refusal]> = []
    var all: [Call] = []
    for (number, first) in refused.enumerated() {
      for second in refused.dropFirst(number + 1)
      where second.change.argument != first.change.argument
        && second.refusal.errno != first.refusal.errno
      {
        guard seen.insert([first.refusal, second.refusal]).inserted else { continue }
        let both = second.change.applied(to: first.change.applied(to: life.calls[place]))
        all.append(renamed(both))
      }
    }
    return chunks(all.uniqued, at: place)
  }

  /// So many that their numbers do not cut memory into more intervals than a spec has.
  private static var mostAsides: Int { 24 }

  private func chunks(
    _ calls: [Call], at place: Int, countsValues: Bool = true
  ) -> [Deviation] {
    let before = life.calls[..<place].map { Deviation.Step(call: $0) }
    let after = life.calls[place...].prefix(4).map { Deviation.Step(call: $0) }
    let looks = looks.map { Deviation.Step(call: $0, isAside: true, isLook: true) }
    return stride(from: 0, to: calls.count, by: Self.mostAsides).map { start in
      let some = calls[start..<min(start + Self.mostAsides, calls.count)]
      return Deviation(
        name: "\(life.name)-aside",
        purpose: "calls that change nothing, before call \(place + 1) of the life",
        steps: before + some.map { Deviation.Step(call: $0, isAside: true) } + looks + after,
        countsValues: countsValues, place: place)
    }
  }

  private static func speaksToStandin(_ call: Call) -> Bool {
    ["standin_script", "standin_fail", "set_hypercall_ret", "munmap", "touch"].contains(call.name)
  }

  /// What a call makes has a name of its own; of vCPUs one for each id.
  private func renamed(_ call: Call) -> Call {
    guard case .text(let new)? = call.arguments["new"] else { return call }
    var call = call
    let kind = String(new.prefix { $0.isLetter })
    var name = "\(kind)-new"
    if case .text(let on)? = call.arguments["on"] { name += "-\(on)" }
    if case .integer(let id)? = call.arguments["id"] { name += "-\(id)" }
    call.arguments["new"] = .text(name)
    return call
  }

  /// Lives with several deviations at once.
  func walks(_ count: Int, seed: UInt64) -> [Deviation] {
    var numbers = SeededNumbers(seed: seed)
    return (0..<count).map { _ in
      var calls = life.calls
      for _ in 0..<(2 + numbers.below(6)) { deviate(&calls, &numbers) }
      return make("walk", "several deviations at once", calls)
    }
  }

  private func deviate(_ calls: inout [Call], _ numbers: inout SeededNumbers) {
    guard !calls.isEmpty else { return }
    let place = numbers.below(calls.count)
    let other = numbers.below(calls.count)
    switch numbers.below(8) {
    case 0: calls.remove(at: place)
    case 1: calls.insert(calls[place], at: place)
    case 2: calls.swapAt(place, other)
    case 3: calls.insert(calls.remove(at: place), at: other)
    case 4, 5: calls.insert(life.calls[numbers.below(life.calls.count)], at: place)
    default:
      let changes = variants.changes(of: calls[place])
      guard !changes.isEmpty else { return }
      calls[place] = changes[numbers.below(changes.count)].applied(to: calls[place])
    }
  }
}
