import SpecLanguage

/// A mutex and a queue: does everyone who asks get in?
struct Turns: Spec {
  static let name = "tutorial/turns"
  let summary = "who waits for a mutex needs a fair mutex, a queue needs only a scheduler"
  enum Client: Sort {}
  enum Place: EnumDomain { case away, waiting, inside }

  let clients = Parameter("clients", of: Client.self, 1...3, default: 2)
  let mutex = Map(Client.self, Place.away)
  let queue = Map(Client.self, Place.away)
  /// Who came before the client, and is still there.
  let ahead = Map2(Client.self, Client.self, false)

  var actions: [Action] {
    ask
    enter
    leave
    takeTicket
    serve
    done
  }

  private var ask: Action {
    Action("ask for the mutex", each: Client.self) { c in
      Require(mutex[c] == .away)
      mutex[c] <- .waiting
    }
  }
  private var enter: Action {
    Action("take the mutex", each: Client.self) { c in
      Require(mutex[c] == .waiting && !exists(Client.self) { d in mutex[d] == .inside })
      mutex[c] <- .inside
    }
  }
  private var leave: Action {
    Action("give the mutex back", each: Client.self) { c in
      Require(mutex[c] == .inside)
      mutex[c] <- .away
    }
  }
  private var takeTicket: Action {
    Action("queue up", each: Client.self) { c in
      Require(queue[c] == .away)
      queue[c] <- .waiting
      Each(Client.self) { d in ahead[c, d] <- (queue[d] != .away) }
    }
  }
  private var serve: Action {
    Action("be served", each: Client.self) { c in
      Require(queue[c] == .waiting && !exists(Client.self) { d in ahead[c, d] })
      queue[c] <- .inside
    }
  }
  private var done: Action {
    Action("go", each: Client.self) { c in
      Require(queue[c] == .inside)
      queue[c] <- .away
      Each(Client.self) { d in ahead[d, c] <- false }
    }
  }

  var properties: [Property] {
    LeadsTo(
      "M-1", "who asks for the mutex gets it, if each client is scheduled", each: Client.self,
      fairness: [.weak("take the mutex"), .weak("give the mutex back")]
    ) { c in
      mutex[c] == .waiting
    } then: { c in
      mutex[c] == .inside
    }
    .expect(.violated, because: "whenever the mutex is free, others can take it first")
    LeadsTo(
      "M-2", "who asks for the mutex gets it, if the mutex is fair", each: Client.self,
      fairness: [.strong("take the mutex"), .weak("give the mutex back")]
    ) { c in
      mutex[c] == .waiting
    } then: { c in
      mutex[c] == .inside
    }
    LeadsTo(
      "Q-1", "who queues up is served, if each client is scheduled", each: Client.self,
      fairness: [.weak("be served"), .weak("go")]
    ) { c in
      queue[c] == .waiting
    } then: { c in
      queue[c] == .inside
    }
    LeadsTo(
      "Q-2", "who queues up is served, whatever the others do", each: Client.self,
      fairness: [.weak("be served")]
    ) { c in
      queue[c] == .waiting
    } then: { c in
      queue[c] == .inside
    }
    .expect(.violated, because: "nothing makes a client that is served go")
  }
}
