import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What is asked of every end (s390-pv §3.3, §6.2).
extension ProtectedVM {
  /// - Parameters:
  ///   - background: threads of the kernel that are still at work.
  ///   - fairness: who goes on with what was begun.
  ///   - losesPages: where pages are lost although no call has failed, and why.
  func endProperties(
    background: Condition = Condition(.no),
    fairness: [Fairness] = [.strong(threadsOf: HostThread.self)],
    losesPages: (Condition, String)? = nil
  ) -> [Property] {
    [
      noPageLost(background, losesPages), noConfigLost(background), lowMemory, disableComplete,
      runEnds, disableEnds, exitEnds(fairness), destroyEnds,
    ]
  }

  /// The VM and the mm are gone, and nobody is at work.
  private func isQuiet(_ background: Condition) -> Condition {
    vm == .gone && mm == .gone && !inside(Self.exitName) && !inside(Self.destroyName)
      && !background
  }

  private func noPageLost(_ background: Condition, _ loses: (Condition, String)?) -> Property {
    let property = Always(
      "MP-1", "in the end every page is back, or the call of the Ultravisor for it has failed",
      cites: "s390-pv MP-1", "s390-pv SI-29"
    ) {
      isQuiet(background)
        ==> forAll(Page.self) { p in
          place[p] == .away && uv.security[p] == .open
            || place[p] == .lost && uv.faults == 1 && uv.failure == .spent
        }
    }
    guard let (condition, reason) = loses else { return property }
    return property.expect(.violated, when: condition, because: reason)
  }

  private func noConfigLost(_ background: Condition) -> Property {
    Always(
      "SI-23", "in the end no configuration is left, or its destruction has failed",
      cites: "s390-pv SI-23", "s390-pv SI-29", "s390-pv SI-32"
    ) {
      isQuiet(background)
        ==> forAll(Config.self) { h in
          held[h] == .none && !uv.live[h]
            || held[h] == .lost && uv.faults == 1 && uv.failure == .spent
        }
    }
  }

  /// Not an implication: it shall hold where DISABLE never fails, too.
  private var lowMemory: Property {
    Always(
      "SI-28", "DISABLE fails only because a call of the Ultravisor has failed, never for memory",
      cites: "s390-pv SI-28", "s390-pv MP-3", "s390-pv LP-2"
    ) { !at(Self.disableFails) || uv.faults == 1 && uv.failure == .spent }
  }

  private var disableComplete: Property {
    Always(
      "SI-32", "when DISABLE returns 0, nothing is left but what a call or a thread cleans up",
      cites: "s390-pv SI-32"
    ) {
      at(Self.disableEnds)
        ==> handle == nil && forAll(VCPU.self) { v in !protected[v] }
    }
  }

  private var runEnds: Property {
    LeadsTo(
      "LP-4", "a page of somebody else is taken from him, whatever PERFORM does",
      each: HostThread.self, cites: "s390-pv LP-4", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      at(Self.wipes, t)
    } then: { t in
      !at(Self.wipes, t)
    }
  }

  private var disableEnds: Property {
    LeadsTo(
      "LP-2", "a DISABLE that has begun ends, even if every allocation fails",
      each: HostThread.self, cites: "s390-pv LP-2", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(Self.disableName, t)
    } then: { t in
      !inside(Self.disableName, t)
    }
  }

  private func exitEnds(_ fairness: [Fairness]) -> Property {
    LeadsTo(
      "LP-8", "an exit that has begun comes to an end, and the mm with it", cites: "s390-pv LP-8",
      fairness: fairness
    ) {
      mm == .exiting
    } then: {
      mm == .gone
    }
  }

  private var destroyEnds: Property {
    LeadsTo(
      "LP-1-end", "a VM whose last file is closed comes to an end", cites: "s390-pv LP-1",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) {
      vm == .destroying
    } then: {
      vm == .gone
    }
  }
}
