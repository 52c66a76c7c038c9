import SpecLanguage
import SpecProgram

extension Search {
  /// Whether a state was found.
  public func contains(_ state: [Int]) -> Bool {
    let packed = UnsafeMutablePointer<UInt64>.allocate(capacity: engine.layout.words)
    defer { packed.deallocate() }
    engine.layout.pack(state, into: packed)
    return store.contains(packed)
  }

  /// The path by which a state was first reached, replayed step by step by the interpreter.
  ///
  /// - Throws: `disagreement` when the interpreter cannot follow: a bug of the tool.
  public func trace(to id: Int) throws(SearchError) -> Trace {
    var ordinals: [Int] = []
    var state = id
    while true {
      let link = store.link(of: state)
      if link.parent == StateStore.noParent { break }
      ordinals.append(Int(link.ordinal))
      state = Int(link.parent)
    }
    let interpreter = Interpreter(engine.program)
    let words = engine.layout.words
    let packed = UnsafeMutablePointer<UInt64>.allocate(capacity: words)
    defer { packed.deallocate() }
    let buffers: BatchBuffers
    do throws(StoreError) {
      buffers = try BatchBuffers(words: words, batch: 1, fan: engine.maxSuccessors)
    } catch {
      throw .outOfMemory(states: store.count)
    }
    // The pointers below do not keep the memory alive.
    defer { withExtendedLifetime(buffers) {} }
    let (successors, counts) = (buffers.successors, buffers.counts)
    var cells = engine.program.initial
    var steps: [TraceStep] = []
    for ordinal in ordinals.reversed() {
      engine.layout.pack(cells, into: packed)
      do {
        let label = try engine.labels(of: packed)[ordinal]
        _ = try engine.expand(packed, 1, into: successors, counts: counts)
        let expected = engine.layout.unpack(successors + ordinal * words)
        let found = try interpreter.transitions(from: cells).first {
          $0.label == label && $0.state == expected
        }
        guard let found else {
          throw SearchError.disagreement("the interpreter cannot take step \(steps.count + 1)")
        }
        steps.append(TraceStep(label: found.label, state: found.state))
        cells = found.state
      } catch let error as SearchError {
        throw error
      } catch {
        throw .disagreement("\(error)")
      }
    }
    return Trace(initial: engine.program.initial, steps: steps)
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
