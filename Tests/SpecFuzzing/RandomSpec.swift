@testable import SpecLanguage
@testable import SpecProgram

/// A pool with locks of every kind.
struct LockedPool: SpecPart {
  let pool = Pool()
  let mutex = Lock("mutex", rank: 10)
  let other = Lock("other", rank: 20)
  let each = Locks("each", each: V.self, rank: 30)
  let rw = RWLock("rw", rank: 40)
}

/// Small random specs: one-step actions, procedures, locks, loops, calls and locals.
struct SpecGenerator {
  let part = LockedPool()
  var nodes: NodeGenerator
  private var line = 0
  private var nextID = 2_000_000
  private var callees: [Action] = []
  private var answers: [LocalID] = []

  private static let outcomes: [Outcome] = [.ok, .EBUSY, .EIO, .EINVAL]

  init(seed: UInt64) {
    nodes = NodeGenerator(part.pool, seed: seed)
    nodes.elements = 2
  }

  mutating func spec() -> SpecDescription {
    callees = (0..<2).map { procedure("callee \($0)", callable: true) }
    var actions = (0..<1 + nodes.random.below(3)).map { oneStep("one-step \($0)") }
    for index in 0..<1 + nodes.random.below(2) {
      actions.append(procedure("procedure \(index)", callable: false))
    }
    return describe(part, properties()) { actions }
  }

  /// One claim that mostly fails, and others that hold for longer and longer.
  private mutating func properties() -> [Property] {
    (0..<3).map { index in
      let claim = Node.or((0...2 * index).map { _ in nodes.bool(1) })
      return Property(
        id: "P\(index)", text: "claim \(index)", kind: .always(claim), citations: [],
        location: place())
    }
  }

  // MARK: Actions

  private mutating func oneStep(_ name: String) -> Action {
    var body: [Statement] = []
    if nodes.random.chance(50) {
      return Action(name, each: V.self) { v in
        body = scoped(v.node) { $0.atomic(3) }
        return body
      }
    }
    body = atomic(3)
    return Action(name) { body }
  }

  private mutating func procedure(_ name: String, callable: Bool) -> Action {
    let outside = (nodes.locals, answers)
    nodes.locals = [
      local("flag", .bool), local("members", SetOf<V>.valueType), local("hue", Color.valueType),
      local("place", W?.valueType),
    ]
    answers = [local("answer", .outcome)]
    defer { (nodes.locals, answers) = outside }
    if callable {
      let body = statements(2, 2, calls: false)
      return Action(name) { body }
    }
    if nodes.random.chance(40) {
      return Action(name, each: V.self, by: Worker.self) { v in
        scoped(v.node) { $0.statements(4, 3, calls: true) }
      }
    }
    let body = statements(4, 3, calls: true)
    return Action(name, by: Worker.self) { body }
  }

  private mutating func local(_ name: String, _ type: ValueType) -> LocalID {
    nextID += 1
    return LocalID(raw: nextID, name: name, type: type)
  }

  private mutating func scoped<R>(_ node: Node, _ make: (inout SpecGenerator) -> R) -> R {
    guard case .bound(let bound) = node else { return make(&self) }
    nodes.bound.append(bound)
    defer { nodes.bound.removeLast() }
    return make(&self)
  }

  private mutating func make(_ kind: Statement.Kind) -> Statement {
    line += 1
    return Statement(kind, at: SourceLocation(file: "fuzz", line: line))
  }

  private mutating func outcome() -> Outcome { nodes.random.pick(Self.outcomes) }

  // MARK: Statements of procedures

  private mutating func statements(_ most: Int, _ depth: Int, calls: Bool) -> [Statement] {
    (0..<1 + nodes.random.below(most)).flatMap { _ in statement(depth, calls) }
  }

  private mutating func statement(_ depth: Int, _ calls: Bool) -> [Statement] {
    switch nodes.random.below(depth <= 0 ? 8 : 16) {
    case 0: return [make(.check(condition(), else: outcome()))]
    case 1: return [assignment()]
    case 2, 3: return [localAssignment()]
    case 4, 5: return [make(.step("step \(line)", atomic(3)))]
    case 6: return [answer()]
    case 7: return nodes.random.chance(50) ? [ending()] : [make(.require(condition()))]
    case 8, 9:
      let then = statements(2, depth - 1, calls: calls)
      let otherwise = nodes.random.chance(50) ? statements(2, depth - 1, calls: calls) : []
      return [make(.when(condition(), then: then, otherwise: otherwise))]
    case 10 where nodes.random.chance(30):
      let body = statements(2, depth - 1, calls: calls)
      return [make(.repeating(body, while: condition()))]
    case 10: return [loop(depth, calls)]
    case 11, 12: return locked(depth, calls)
    case 13:
      let body = statements(2, depth - 1, calls: calls)
      return [make(.tryHolding(use(), else: outcome(), body))]
    case 14:
      let body = statements(2, depth - 1, calls: calls)
      return [make(.tryAcquireAll(part.each.lock, else: outcome()))] + body
        + [make(.releaseAll(part.each.lock))]
    default:
      guard calls else { return [assignment()] }
      return [make(.call(nodes.random.pick(callees), into: answers.first))]
    }
  }

  private mutating func loop(_ depth: Int, _ calls: Bool) -> Statement {
    nextID += 1
    let bound = BoundID(raw: nextID, type: nodes.random.chance(70) ? V.valueType : W.valueType)
    return scoped(.bound(bound)) { me in
      var filter: Node?
      if me.nodes.random.chance(40) {
        filter = .not(
          .equal(
            .bound(bound),
            bound.type == V.valueType ? me.nodes.elementV(0) : .literal(0, bound.type)))
      }
      let body = me.statements(2, depth - 1, calls: calls)
      return me.make(
        .forEach(bound, filter: filter, ordered: me.nodes.random.chance(30), body))
    }
  }

  private mutating func use() -> LockUse {
    switch nodes.random.below(5) {
    case 0: part.mutex.use(.exclusive)
    case 1: part.other.use(.exclusive)
    case 2: LockUse(lock: part.each.lock, index: [nodes.elementV(0)], mode: .exclusive)
    case 3: part.rw.use(.shared)
    default: part.rw.use(.exclusive)
    }
  }

  private mutating func locked(_ depth: Int, _ calls: Bool) -> [Statement] {
    let use = use()
    let body = statements(2, depth - 1, calls: calls)
    switch nodes.random.below(4) {
    case 0: return [make(.acquire(use))] + body + [make(.release(use))]
    case 1: return [make(.tryAcquire(use, else: outcome()))] + body + [make(.release(use))]
    default: return [make(.holding(use, body))]
    }
  }

  private mutating func answer() -> Statement {
    guard let answer = answers.first else { return assignment() }
    if nodes.random.chance(50) { return make(.assignLocal(answer, .outcome(outcome()))) }
    let condition = Node.equal(.local(answer), .outcome(outcome()))
    return make(.when(condition, then: [ending()], otherwise: []))
  }

  private mutating func ending() -> Statement {
    if let answer = answers.first, nodes.random.chance(40) { return make(.returnLocal(answer)) }
    return make(.returns(outcome()))
  }

  // MARK: Statements of one step

  /// Checks stand first, as they must.
  private mutating func atomic(_ most: Int) -> [Statement] {
    var body: [Statement] = []
    if nodes.random.chance(30) { body.append(make(.require(condition()))) }
    if nodes.random.chance(30), !nodes.locals.isEmpty { body.append(localAssignment()) }
    if nodes.random.chance(30) { body.append(make(.check(condition(), else: outcome()))) }
    if nodes.random.chance(10) { body.append(make(.tryAcquire(use(), else: outcome()))) }
    for _ in 0..<1 + nodes.random.below(max(1, most)) {
      switch nodes.random.below(10) {
      case 0...3: body.append(assignment())
      case 4 where !nodes.locals.isEmpty: body.append(localAssignment())
      case 5, 6:
        let then = most > 0 ? atomic(most - 2) : [assignment()]
        let otherwise = nodes.random.chance(30) ? [assignment()] : []
        body.append(make(.when(condition(), then: then, otherwise: otherwise)))
      case 7: body.append(each())
      case 8 where nodes.random.chance(30): body.append(ending())
      case 9 where nodes.random.chance(30): body.append(make(.require(condition())))
      default: body.append(assignment())
      }
    }
    return body
  }

  private mutating func each() -> Statement {
    nextID += 1
    let bound = BoundID(raw: nextID, type: V.valueType)
    return scoped(.bound(bound)) { me in
      let cell = me.part.pool.mn[Expr<V>(.bound(bound))]
      let write = cell.assignment(me.nodes.random.below(4).literal, at: me.place())
      var body = [write]
      if me.nodes.random.chance(50) {
        body = [me.make(.when(me.condition(), then: body, otherwise: []))]
      }
      if me.nodes.random.chance(20) { body.insert(me.make(.require(me.condition())), at: 0) }
      if me.nodes.random.chance(20) {
        body.insert(me.make(.check(me.condition(), else: me.outcome())), at: 0)
      }
      return me.make(.each(bound, body))
    }
  }

  private mutating func condition() -> Node { nodes.bool(1 + nodes.random.below(2)) }

  private mutating func place() -> SourceLocation {
    line += 1
    return SourceLocation(file: "fuzz", line: line)
  }

  private mutating func localAssignment() -> Statement {
    let local = nodes.random.pick(nodes.locals)
    switch local.type {
    case .bool: return make(.assignLocal(local, nodes.bool(1)))
    case .set: return make(.assignLocal(local, nodes.set(1)))
    case .enumeration: return make(.assignLocal(local, nodes.color(1)))
    default: return make(.assignLocal(local, nodes.optionalW(1)))
    }
  }

  private mutating func assignment() -> Statement {
    let pool = part.pool
    switch nodes.random.below(10) {
    case 0: return pool.b0.assignment(nodes.bool(1), at: place())
    case 1: return pool.b1.assignment(nodes.bool(1), at: place())
    case 2:
      return nodes.random.chance(50)
        ? pool.n1.assignment(number(5), at: place()) : pool.n0.assignment(number(3), at: place())
    case 3: return pool.c0.assignment(nodes.color(1), at: place())
    case 4: return pool.ow.assignment(nodes.optionalW(1), at: place())
    case 5: return pool.set0.assignment(nodes.set(1), at: place())
    case 6: return pool.mb[Expr(nodes.elementV(1))].assignment(nodes.bool(1), at: place())
    case 7: return pool.mn[Expr(nodes.elementV(1))].assignment(number(3), at: place())
    case 8: return pool.ms[Expr(nodes.elementW(1))].assignment(nodes.set(1), at: place())
    default: return pool.mc[Expr(nodes.color(1))].assignment(nodes.color(1), at: place())
    }
  }

  /// Mostly in range; out of range is a fault that both engines must find.
  private mutating func number(_ most: Int) -> Node {
    switch nodes.random.below(12) {
    case 0: nodes.int(1)
    case 1: .add(part.pool.n1.node, 1.literal)
    default: nodes.random.below(most + 1).literal
    }
  }
}
