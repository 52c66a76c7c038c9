import SpecLanguage
import SpecProgram

extension Search {
  /// Whether a state was found, or one that stands for it.
  public func contains(_ state: [Int]) -> Bool {
    let packed = UnsafeMutablePointer<UInt64>.allocate(capacity: engine.layout.words)
    defer { packed.deallocate() }
    engine.layout.pack(state, into: packed)
    engine.represent(packed)
    return store.contains(packed)
  }

  /// The path by which a state was first reached, replayed step by step by the interpreter.
  ///
  /// - Throws: `disagreement` when the interpreter cannot follow: a bug of the tool.
  public func trace(to id: Int) throws(SearchError) -> Trace { try trace(to: id, then: nil) }

  /// The same path, and one step more: to the successor with this number.
  func trace(to id: Int, then ordinal: Int?) throws(SearchError) -> Trace {
    var ordinals: [Int] = ordinal.map { [$0] } ?? []
    var state = id
    while true {
      let link = store.link(of: state)
      if link.parent == StateStore.noParent { break }
      ordinals.append(Int(link.ordinal))
      state = Int(link.parent)
    }
    do throws(ReplayFailure) {
      return try engine.replay(ordinals.reversed())
    } catch {
      throw .disagreement(error.text)
    }
  }

  /// For a `Possible` that names a call: which checks refuse that call, in how many of the stored
  /// states that count. When every call that begins in such a state is refused at once, those
  /// checks are the answer, and refusals of calls that began before are left out.
  ///
  /// Goes over the whole store once.
  public func refusals(of index: Int) throws(SearchError) -> [Int: Int] {
    guard case .possible(_, let call?, _) = properties[index].property.kind else { return [:] }
    let after = plan.after[index]
    var later: [Int: Int] = [:]
    var atOnce: [Int: Int] = [:]
    var canBegin = false
    do {
      try store.forEachState { (state: UnsafePointer<UInt64>) throws(EngineFault) -> Bool in
        if let after {
          let bit: UInt64 = 1 << UInt64(after)
          var holds: UInt64 = 0
          guard try engine.observe(state, 1, active: bit, into: &holds) else { return true }
        }
        var seen: Set<Int> = []
        for label in try engine.labels(of: state)
        where engine.program.actionName(label.procedure) == call {
          guard let check = label.refusedBy else {
            canBegin = canBegin || label.source == 0
            continue
          }
          guard seen.insert(check).inserted else { continue }
          if label.source == 0 {
            atOnce[check, default: 0] += 1
          } else {
            later[check, default: 0] += 1
          }
        }
        return true
      }
    } catch {
      throw .spec(error.error)
    }
    return canBegin ? atOnce.merging(later) { $0 + $1 } : atOnce
  }
}
