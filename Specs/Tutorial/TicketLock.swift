import SpecLanguage

/// Two threads, one counter: is a check without the lock enough?
struct TicketLock: Spec {
  static let name = "tutorial/ticket-lock"
  let summary = "a check without the lock, then a write with it"
  enum Worker: Role {}
  let workers = Parameter("threads", of: Worker.self, 1...4, default: 2)
  let taken = Var(0, in: 0...4)
  let lock = Lock("ticket_lock", rank: 10)

  var actions: [Action] {
    Action("TAKE", by: Worker.self) {
      Check(taken == 0, else: .EBUSY)
      Holding(lock) { Step("takes the ticket") { taken <- taken + 1 } }
    }
  }
  var properties: [Property] {
    Always("T-1", "the ticket is taken at most once") { taken <= 1 }
      .expect(.violated, because: "the check reads the counter before the lock is taken")
  }
}
