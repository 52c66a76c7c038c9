import SpecLanguage

@testable import SpecFuzzing

/// What random threads share.
struct SharedParts: SpecPart {
  let b0 = Var(false)
  let b1 = Var(true)
  let total = Var(0, in: 0...2)
  let chosen = Var(V?.none)
  let members = Var(SetOf<V>.empty)
  let flag = Map(V.self, false)
  let level = Map(V.self, 0, in: 0...2)
  let friend = Map(V.self, V?.none)
  let mutex = Lock("mutex", rank: 10)
  let each = Locks("each", each: V.self, rank: 20)
  let rw = RWLock("rw", rank: 30)
  let tried = Lock("tried", rank: 40)
}

/// Small random specs with threads and locks whose elements have no names.
struct ThreadedSpec {
  private var random: SplitMix
  private let part = SharedParts()
  private var steps = 0

  init(seed: UInt64) { random = SplitMix(seed: seed) }

  mutating func spec() -> SpecDescription {
    var actions: [Action] = []
    for index in 0..<1 + random.below(2) {
      actions.append(
        Action("call \(index)", each: V.self, by: Worker.self) { v in
          statements(v, 2 + random.below(2), depth: 2)
        })
    }
    if random.chance(50) {
      actions.append(Action("event", each: V.self) { v in body(v) })
    }
    let properties = (0..<3).map { index in
      let claim = claim()
      return Always("P\(index)", "a random claim") { claim }
    }
    let reachable = Possible("Q", "a random possibility") {
      exists(V.self) { v in condition(v) && condition(v) && condition(v) }
    }
    // A step that properties can ask for must be there.
    actions.append(
      Action("marker", by: Worker.self) {
        Step("mark") {
          Require(part.b0)
          part.b0 <- false
        }
      })
    let all = properties + [reachable]
    return describe(part, all) { actions }
  }

  // MARK: Conditions

  private mutating func claim() -> Condition {
    switch random.below(4) {
    case 0: forAll(V.self) { v in condition(v) || condition(v) || condition(v) }
    case 1: !at("mark") || global()
    case 2: global() ==> forAll(V.self) { v in condition(v) || condition(v) }
    default: global() || global() || global()
    }
  }

  private mutating func global() -> Condition {
    switch random.below(6) {
    case 0: part.b0 == true
    case 1: part.b1 == true
    case 2: part.total == random.below(3)
    case 3: part.chosen == nil
    case 4: exists(V.self) { v in part.flag[v] && part.members.contains(v) }
    default: forAll(V.self) { v in part.level[v] < 2 }
    }
  }

  private mutating func condition(_ v: Expr<V>) -> Condition {
    switch random.below(7) {
    case 0: part.flag[v] == true
    case 1: part.level[v] == random.below(3)
    case 2: part.chosen == v
    case 3: part.members.contains(v)
    case 4: part.friend[v] == nil
    case 5: exists(V.self) { w in part.friend[w] == v && !part.flag[w] }
    default: global()
    }
  }

  // MARK: Statements

  private mutating func body(_ v: Expr<V>) -> [Statement] {
    var result: [Statement] = []
    if random.chance(50) { result += Statements { Require(condition(v)) } }
    if random.chance(20) { result += Statements { Check(condition(v), else: .EBUSY) } }
    result += write(v)
    return result
  }

  private mutating func write(_ v: Expr<V>) -> [Statement] {
    switch random.below(9) {
    case 0: Statements { part.b0 <- random.chance(60) }
    case 1: Statements { part.b1 <- random.chance(50) }
    case 2: Statements { part.total <- random.below(3) }
    case 3: Statements { part.chosen <- v }
    case 4: Statements { part.flag[v] <- random.chance(60) }
    case 5: Statements { part.level[v] <- random.below(3) }
    case 6: Statements { part.members <- part.members.inserting(v) }
    case 7: Statements { part.friend[v] <- part.chosen }
    default: Statements { Each(V.self) { w in When(part.flag[w]) { part.level[w] <- 0 } } }
    }
  }

  private mutating func statements(_ v: Expr<V>, _ count: Int, depth: Int) -> [Statement] {
    (0..<count).flatMap { _ in statement(v, depth) }
  }

  private mutating func statement(_ v: Expr<V>, _ depth: Int) -> [Statement] {
    steps += 1
    let name = "step \(steps)"
    switch random.below(depth > 0 ? 12 : 4) {
    case 0, 1, 2: return Statements { Step(name) { body(v) } }
    case 3: return Statements { Check(condition(v), else: .EIO) }
    case 4, 5: return Statements { Holding(part.mutex) { statements(v, 2, depth: depth - 1) } }
    case 6: return Statements { Holding(part.each[v]) { statements(v, 2, depth: depth - 1) } }
    case 7:
      return Statements { Holding(part.rw, .read) { statements(v, 1, depth: depth - 1) } }
    case 8:
      return Statements { Holding(part.rw, .write) { statements(v, 2, depth: depth - 1) } }
    case 9:
      return Statements {
        TryHolding(part.tried, else: .EBUSY) { statements(v, 1, depth: depth - 1) }
      }
    case 10:
      let inner = random.chance(50)
      return Statements {
        if inner {
          ForEach(V.self) { w in Step(name) { body(w) } }
        } else {
          ForEach(ordered: V.self) { w in Step(name) { body(w) } }
        }
      }
    default: return Statements { When(condition(v)) { statements(v, 1, depth: depth - 1) } }
    }
  }
}
