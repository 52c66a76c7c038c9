import KVMSpecs
import SpecLanguage
import TDXModuleSpecs

/// What is asked of PREPARE and PERFORM (s390-pv §6).
extension AsyncCleanup {
  @ListBuilder<Property> var properties: [Property] {
    recordProperties
    commandProperties
    progress
    questions
  }

  /// In the words of the other architectures (s390-pv §4.3).
  @ListBuilder<Property> private var questions: [Property] {
    TeardownQuestions.keyComesBackEarly {
      exists(Config.self) { h in kvm.held[h].in(.aside, .cleaned, .waiting) && !kvm.uv.live[h] }
      kvm.vm == .open
    }
    .expect(
      .vacuous, when: enabled == 0 || segment == 1 || fast == 0,
      because: "the handle stays until all is cleaned up")
    TeardownQuestions.pagesOutliveOwner {
      exists(Page.self) { p in kvm.uv.security[p] == .orphaned }
    }
    .expect(.vacuous, when: fast == 0, because: "a slow destroy opens all pages")
    TeardownQuestions.successorRuns {
      kvm.isRunning
      exists(Config.self) { h in kvm.held[h].in(.aside, .cleaned, .waiting) }
    }
    .expect(
      .vacuous, when: enabled == 0 || segment == 1 || kvm.uv.generations == 1,
      because: "PREPARE is refused, or there is no room")
    TeardownQuestions.noReuse {
      forAll(Page.self) { p in kvm.place[p] == .away ==> kvm.uv.security[p] == .open }
    }
    TeardownQuestions.needsNoMemory {
      !at(ProtectedVM.disableFails) || kvm.uv.faults == 1 && kvm.uv.failure == .spent
    }
    TeardownQuestions.lossHasCause {
      !exists(Config.self) { h in kvm.held[h] == .lost }
        || kvm.uv.faults == 1 && kvm.uv.failure == .spent
    }
  }

  @ListBuilder<Property> private var recordProperties: [Property] {
    Always(
      "SI-14", "the one that is set aside is the one that the VM knows of", cites: "s390-pv SI-14"
    ) { forAll(Config.self) { h in kvm.held[h] == .aside ==> aside == h } }
    .expect(.vacuous, when: enabled == 0 || segment == 1, because: "PREPARE is refused")
    Always(
      "SI-19", "a record whose configuration is gone holds no memory", cites: "s390-pv SI-19"
    ) {
      forAll(Config.self) { h in
        kvm.held[h].in(.aside, .cleaned, .waiting) && !kvm.uv.live[h] ==> !kvm.donated[h]
      }
    }
    .expect(
      .vacuous, when: enabled == 0 || segment == 1 || fast == 0, because: "no fast destroy")
    Always(
      "SI-23-flight", "a record that was taken is taken by a call", cites: "s390-pv SI-23"
    ) {
      exists(Config.self) { h in kvm.held[h] == .cleaned }
        ==> inside(Self.performName) || inside(Self.prepareName)
    }
    .expect(.vacuous, when: enabled == 0 || segment == 1, because: "PREPARE is refused")
    Always(
      "SI-13", "a clean-up of everything begins only where something is counted",
      cites: "s390-pv SI-13"
    ) { at(Self.collects) ==> kvm.count > 1 }
    Always("SI-16", "a VM that is protected has its notifier", cites: "s390-pv SI-16") {
      kvm.isProtected && kvm.vm == .open ==> notifier != .none
    }
    Always(
      "SI-20", "a segment table is not replaced, nor its guest set aside", cites: "s390-pv SI-20"
    ) { segment == 1 ==> aside == nil && !at(Self.allocatesRecord) }
    .expect(.vacuous, when: segment == 0, because: "the guest is larger")
  }

  @ListBuilder<Property> private var commandProperties: [Property] {
    Always(
      "SI-32-aside", "when DISABLE returns 0, nothing is set aside or waits", cites: "s390-pv SI-32"
    ) {
      at(ProtectedVM.disableEnds)
        ==> aside == nil && forAll(Config.self) { h in kvm.held[h] != .waiting }
    }
    Always(
      "SI-33", "PREPARE that can still fail has changed nothing but the CPUs",
      cites: "s390-pv SI-33"
    ) {
      at(Self.allocatesRecord) || at(Ultravisor.destroyFast) || at(Self.replacesTable)
        ==> kvm.isProtected && aside == nil
        && forAll(Config.self) { h in kvm.handle == h ==> kvm.uv.live[h] && kvm.donated[h] }
    }
    .expect(.vacuous, when: enabled == 0 || segment == 1, because: "PREPARE is refused")
    Possible(
      "MP-4-two", "two guests of the VM hold memory of the host at once", cites: "s390-pv MP-4"
    ) { those(Config.self) { h in Condition(kvm.donated[h].node) }.count() == 2 }
    .expect(
      .vacuous, when: fast == 1 || enabled == 0 || segment == 1 || kvm.uv.generations == 1,
      because: "the memory comes back before the guest is set aside")
    Possible(
      "S390-8", "a PERFORM that was killed leaves its record to be disposed of later",
      cites: "s390-pv §6.4"
    ) { exists(Config.self) { h in kvm.held[h] == .waiting && !inside(ProtectedVM.disableName) } }
    .expect(.vacuous, when: enabled == 0 || segment == 1, because: "PREPARE is refused")
    Possible(
      "LP-9", "two calls of PERFORM clean up at once", cites: "s390-pv §6.4"
    ) { those(Config.self) { h in kvm.held[h] == .cleaned }.count() == 2 }
    .expect(
      .vacuous,
      when: enabled == 0 || segment == 1 || kvm.uv.generations == 1 || kvm.threads == 1,
      because: "there are not two records")
  }

  @ListBuilder<Property> private var progress: [Property] {
    LeadsTo(
      "LP-7", "PERFORM ends, whatever the guest does meanwhile", each: HostThread.self,
      cites: "s390-pv LP-7", "s390-pv LP-6", fairness: [.strong(threadsOf: HostThread.self)]
    ) { t in
      inside(Self.performName, t)
    } then: { t in
      !inside(Self.performName, t)
    }
    LeadsTo(
      "LP-6", "a fatal signal is noticed", cites: "s390-pv LP-6",
      fairness: [.strong(threadsOf: HostThread.self)]
    ) {
      signal
    } then: {
      !signal
    }
    .expect(.vacuous, when: enabled == 0 || segment == 1, because: "PERFORM is refused")
    LeadsTo(
      "LP-1", "what is set aside is cleaned up if user space asks for it, or ends the VM",
      cites: "s390-pv LP-1",
      fairness: [
        .strong(threadsOf: HostThread.self), .strong(starting: Self.performName),
        .strong(starting: ProtectedVM.destroyName),
      ]
    ) {
      aside != nil
    } then: {
      aside == nil
    }
    .expect(.vacuous, when: enabled == 0 || segment == 1, because: "PREPARE is refused")
  }
}
