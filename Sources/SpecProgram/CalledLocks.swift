import SpecLanguage

/// The locks that the calling thread holds at a called action, as far as the flow of control can
/// tell, for one way of coming to the call.
public struct CalledLocks: Hashable, Sendable {
  /// The action that is called, such as `TDH.MNG.VPFLUSHDONE`.
  public let called: String
  /// The actions that the call stands in, outermost first.
  public let callers: [String]
  /// Before its first step.
  public let atBegin: HeldNames
  /// Before the step that completes it; what it took itself is included.
  public let atEnd: HeldNames
}

/// Locks in words, such as `vcpu->mutex[v]` or `TDR exclusively`, in the order of ranks.
public struct HeldNames: Hashable, Sendable {
  /// Held whenever a thread comes here.
  public let surely: [String]
  /// Held on some ways here and not on others, or so it seems.
  public let maybe: [String]
}

extension Program {
  /// The locks at the begin and the end of every called action, in the order of the spec. Several
  /// calls by the same way count as one: what all of them surely hold, what any of them may.
  public var calledLocks: [CalledLocks] {
    var result: [CalledLocks] = []
    for procedure in procedures where procedure.isThreaded {
      result += CalledLocksReader(program: self, procedure: procedure).all
    }
    return result
  }
}

/// Reads off one procedure.
private struct CalledLocksReader {
  let program: Program
  let procedure: Procedure
  private let may: [Set<HeldLock>]
  private let must: [Set<HeldLock>]
  private let flow: CalledFlow

  init(program: Program, procedure: Procedure) {
    self.program = program
    self.procedure = procedure
    let order = LockOrder(program: program)
    may = order.mayHold(procedure)
    must = order.mustHold(procedure)
    flow = CalledFlow(procedure)
  }

  var all: [CalledLocks] {
    var paths: [[String]] = []
    // Nodes are made back to front.
    for (node, info) in procedure.info.enumerated().reversed() where flow.reachable.contains(node) {
      for name in info.entering.sorted() {
        guard let index = info.path.lastIndex(of: name) else { continue }
        let path = Array(info.path[...index])
        if !paths.contains(path) { paths.append(path) }
      }
    }
    return paths.compactMap { path in
      guard let called = path.last else { return nil }
      let begins = procedure.info.indices.filter { flow.isBegin($0, of: path) }
      let ends = procedure.info.indices.filter { isEnd($0, of: path) }
      return CalledLocks(
        called: called, callers: Array(path.dropLast()), atBegin: names(begins),
        atEnd: names(ends.isEmpty ? begins : ends))
    }
  }

  /// Whether the call may be over after the step, without having been refused by it.
  private func isEnd(_ node: Int, of path: [String]) -> Bool {
    flow.reachable.contains(node) && procedure.nodes[node].isBoundary
      && procedure.info[node].path.starts(with: path) && flow.after(node, path: path).leaves
  }

  private func names(_ nodes: [Int]) -> HeldNames {
    let surely = nodes.dropFirst().reduce(nodes.first.map { must[$0] } ?? []) {
      $0.intersection(must[$1])
    }
    let maybe = nodes.reduce(into: Set<HeldLock>()) { $0.formUnion(may[$1]) }
    let sure = words(surely)
    return HeldNames(surely: sure, maybe: words(maybe).filter { !sure.contains($0) })
  }

  private func words(_ held: Set<HeldLock>) -> [String] {
    let reader = ExpressionReader(program.spec)
    let ranked = held.map { lock in
      (rank: lock.lock.rank ?? .max, text: text(lock, reader))
    }
    return Set(ranked.map(\.text)).map { text in
      (rank: ranked.first { $0.text == text }?.rank ?? .max, text: text)
    }.sorted { ($0.rank, $0.text) < ($1.rank, $1.text) }.map(\.text)
  }

  private func text(_ held: HeldLock, _ reader: ExpressionReader) -> String {
    let use = LockUse(lock: held.lock, index: [], mode: held.isShared ? .shared : .exclusive)
    let mode = reader.text(use).dropFirst(held.lock.name.count)
    guard let sort = held.lock.each else { return held.lock.name + mode }
    let index = held.index?.compactMap(text) ?? []
    return
      "\(held.lock.name)[\(index.isEmpty ? "some \(sort.name)" : index.joined(separator: ","))]"
      + mode
  }

  /// A lock's index in the spec's words; `nil` for one that has none.
  private func text(_ index: Term) -> String? {
    switch index {
    case .const(let value): return "\(value)"
    case .thread: return "this thread"
    case .register(let register):
      return procedure.frame.indices.contains(register) ? procedure.frame[register].name : nil
    case .subtract(let value, .const): return text(value)
    case .table(let values, let key):
      guard let inner = text(key) else { return nil }
      let table = program.tables.first { $0.values == values }
      return table.map { "\($0.name)(\(inner))" }
    default: return nil
    }
  }
}
