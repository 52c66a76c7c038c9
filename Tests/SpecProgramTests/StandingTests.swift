import SpecLanguage
import Testing

@testable import SpecFuzzing
@testable import SpecProgram

private struct Hall: SpecPart {
  let shut = Var(false)
  let guests = Map(V.self, 0, in: 0...3)
}

@Suite("Where threads stand, and what they remember there") struct StandingTests {
  private let part = Hall()

  private var seat: Action {
    Action("seat") {
      Step("looks around") { Require(!part.shut) }
      Step("sits down") { Require(!part.shut) }
    }
  }

  private func program(_ threads: Int, _ properties: [Property] = []) throws -> Program {
    let spec = describe(part, properties) {
      Action("visit", each: V.self, by: Worker.self) { v in
        Step("knocks") { Require(!part.shut) }
        Call(seat)
        Step("is counted") { part.guests[v] <- 1 }
        Step("leaves") { Require(!part.shut) }
      }
      Action("clean", by: Worker.self) {
        Step("sweeps") { Require(!part.shut) }
        // The choice of an element and the first step are one.
        ForEach(V.self) { v in
          Step("wipes") { part.guests[v] <- 0 }
          Step("dries") { part.guests[v] <- 0 }
        }
        Step("locks up") { Require(!part.shut) }
      }
    }
    return try Program(spec, ["workers": threads, "V": 2])
  }

  /// Where a lone thread stands in the states in which the condition holds, by the next step.
  private func places(_ condition: Condition) throws -> Set<String> {
    let graph = try Graph(program(1))
    var found: Set<String> = []
    for state in graph.states where try graph.program.value(of: condition.node, in: state) != 0 {
      let place = graph.program.locations[state[graph.program.threads[0].location]]
      found.insert(graph.program.procedures[place.procedure].info[place.node].label)
    }
    return found
  }

  @Test func stepsAreWhereAThreadStandsBeforeThem() throws {
    #expect(try places(at("is counted")) == ["is counted"])
    #expect(
      try places(inside("visit")) == ["looks around", "sits down", "is counted", "leaves"])
    // An action that is called has begun with its first step.
    #expect(try places(inside("seat")) == ["sits down"])
    #expect(try places(calling("seat")) == ["looks around", "sits down"])
    #expect(
      try places(between("knocks", "is counted")) == ["looks around", "sits down", "is counted"])
    // A loop may go round before the last step comes.
    let sweeping = try places(between("sweeps", "locks up"))
    #expect(sweeping == ["takes the next V", "dries", "locks up"])
    let wiping = try places(between("wipes", "wipes"))
    #expect(wiping == ["takes the next V", "dries"])
  }

  @Test func aThreadHasForgottenWhatItNeedsNoMore() throws {
    let about = exists(V.self) { v in inside("visit", v) }
    #expect(try places(about) == ["looks around", "sits down", "is counted"])
    #expect(try places(forAll(V.self) { v in inside("visit", v) }).isEmpty)
    let wiping = exists(V.self) { v in at("dries", v) && at("dries", taken(v)) }
    let now = try places(wiping)
    #expect(now == ["dries"])
    let past = forAll(V.self) { v in inside("clean", taken(v)) }
    let places = try places(past)
    #expect(places == ["dries"])
  }

  @Test func aThreadRemembersAnAnswerWhileItIsLookedAtLater() throws {
    let part = part
    let status = Local<Outcome>("status")
    let ask = Action("ask") {
      Step("asks") { Check(!part.shut, else: .EBUSY) }
    }
    let spec = describe(part, []) {
      Action("shut") { part.shut <- true }
      Action("visit", by: Worker.self) {
        Call(ask, into: status)
        Step("waits") { Require(part.shut) }
        When(status == .EBUSY) { Step("goes away") { Require(part.shut) } }
        Step("ends") { Require(part.shut) }
      }
    }
    let graph = try Graph(Program(spec, ["workers": 1, "V": 1]))
    func count(_ condition: Condition) throws -> Int {
      var result = 0
      for state in graph.states where try graph.program.value(of: condition.node, in: state) != 0 {
        result += 1
      }
      return result
    }
    // It was let in before or after the door was shut, and turned away only after.
    #expect(try count(at("waits", answered(.ok))) == 2)
    #expect(try count(at("waits", answered(.EBUSY))) == 1)
    #expect(throws: SpecError.self) { try count(at("ends", answered(.ok))) }
  }

  @Test func aThreadRemembersWhatItsAuthorGaveANameTo() throws {
    let part = part
    let isShut = Local<Bool>("was shut")
    let first = Local<V?>("first guest")
    let rooms = Local<SetOf<V>>("rooms")
    let empty = Local<SetOf<V>>("empty rooms")
    let spec = describe(part, []) {
      Action("shut") { part.shut <- true }
      Action("look", by: Worker.self) {
        Step("looks") {
          isShut <- part.shut
          first <- nil
          Each(V.self) { v in When(part.guests[v] == 0) { first <- v } }
          rooms <- those(V.self) { _ in Condition(.yes) }
          empty <- those(V.self) { v in part.guests[v] == 1 }
        }
        Step("thinks") {
          Check(!isShut && first != nil && rooms != empty, else: .EBUSY)
        }
      }
    }
    let graph = try Graph(Program(spec, ["workers": 1, "V": 2]))
    func count(_ condition: Condition) throws -> Int {
      try graph.states.filter { try graph.program.value(of: condition.node, in: $0) != 0 }.count
    }
    // Before and after the door is shut, and once it was shut.
    #expect(try count(at("thinks")) == 3)
    #expect(try count(at("thinks", remembering("was shut"))) == 1)
    #expect(try count(at("thinks", remembering("was shut", false))) == 2)
    let last = { (v: Expr<V>) in at("thinks", remembering("first guest", v)) }
    #expect(try count(exists(V.self) { v in last(v) }) == 3)
    #expect(try count(forAll(V.self) { v in last(v) }) == 0)
    #expect(try count(forAll(V.self) { v in at("thinks", among("rooms", v)) }) == 3)
    #expect(try count(exists(V.self) { v in at("thinks", among("empty rooms", v)) }) == 0)
    // Of which set is it asked? No such name; another type of this name.
    #expect(throws: SpecError.self) { try count(exists(V.self) { v in at("thinks", among(v)) }) }
    #expect(throws: SpecError.self) { try count(at("thinks", remembering("is shut"))) }
    #expect(throws: SpecError.self) { try count(at("thinks", remembering("rooms"))) }
  }

  @Test func elementsOfTheRoleAreThreads() throws {
    let graph = try Graph(program(2))
    let both = forAll(Worker.self) { t in inside("visit", t) }
    let two = exists(Worker.self) { t in
      exists(Worker.self) { u in
        exists(V.self) { v in at("is counted", t, v) && at("is counted", u, v) && t != u }
      }
    }
    for state in graph.states {
      let standing = graph.program.threads.map { thread in
        graph.program.locations[state[thread.location]]
      }
      let visiting = standing.filter { $0.procedure == 0 }
      #expect((try graph.program.value(of: both.node, in: state) != 0) == (visiting.count == 2))
      let counted = graph.program.threads.filter { thread in
        let place = graph.program.locations[state[thread.location]]
        return place.procedure == 0
          && graph.program.procedures[0].info[place.node].label == "is counted"
      }
      let same = counted.count == 2 && state[counted[0].frame] == state[counted[1].frame]
      #expect((try graph.program.value(of: two.node, in: state) != 0) == same)
    }
  }

  @Test(arguments: [
    ("TDX1005", at("flies")), ("TDX1005", between("leaves", "knocks")),
    ("TDX1013", forAll(W.self) { w in inside("visit", w) }),
    ("TDX1013", forAll(V.self) { v in at("leaves", v) }),
  ])
  func whatNobodyRemembersIsAMistake(_ code: String, _ condition: Condition) throws {
    let claim = Lemma("wrong", "names what is not there") { condition }
    let error = #expect(throws: SpecError.self) { try program(1, [claim]) }
    #expect(error?.code == code)
  }

  @Test func twoElementsOfOneSortAreAmbiguous() throws {
    let spec = describe(
      part, [Lemma("wrong", "either") { forAll(V.self) { v in at("greets", v) } }]
    ) {
      Action("meet", each: V.self, V.self, by: Worker.self) { v, u in
        Step("greets") { part.guests[v] <- 1 }
        Step("parts") {
          part.guests[v] <- 0
          part.guests[u] <- 0
        }
      }
    }
    let error = #expect(throws: SpecError.self) { try Program(spec, ["V": 2]) }
    #expect(error?.code == "TDX1012")
  }

  @Test func aReadingNamesPlacesAndElements() throws {
    let condition = forAll(V.self) { v in
      inside("visit", v) || at("wipes", taken(v)) ==> !between("knocks", "leaves")
    }
    #expect(
      ExpressionReader(try program(1).spec).text(condition.node) == """
        for every V v, if some thread is inside visit with v or some thread is at “wipes”, a loop \
        having taken v then no thread is between “knocks” and “leaves”
        """)
  }
}
