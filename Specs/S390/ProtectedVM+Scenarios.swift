import SpecLanguage

/// What user space sees, call by call (s390-pv §6.4).
extension ProtectedVM {
  @ListBuilder<Property> var scenarios: [Property] {
    Scenario(
      "S390-1", "a guest begins and ends, and another begins", cites: "s390-pv §6.4"
    ) {
      Do(Self.enableName, answers: .ok)
      Do(Self.enableName, answers: .EINVAL)
      Do(Self.runName, 0, 0, answers: .ok)
      Do(Self.disableName, answers: .ok)
      Do(Self.disableName, answers: .EINVAL)
      Do(Self.enableName, answers: .ok)
      Do(Self.runName, 0, 0, answers: .ok)
    }
    .expect(
      .violated, unlessMade: [Self.runName, Self.enableName], because: "no thread makes the calls")
    Scenario(
      "S390-24", "a page goes to swap and comes back to the guest", cites: "s390-pv §6.4"
    ) {
      Do(Self.enableName, answers: .ok)
      Do(Self.runName, 0, 0, answers: .ok)
      Do(Self.reclaimName, 0, answers: .ok)
      Do(Self.runName, 0, 0, answers: .ok)
    }
  }
}

extension AsyncCleanup {
  @ListBuilder<Property> var scenarios: [Property] {
    kvm.scenarios
    alone.map { property in
      property.expect(
        .violated, when: enabled == 0 || segment == 1, because: "PREPARE is refused")
    }
    successors.map { property in
      property.expect(
        .violated, when: enabled == 0 || segment == 1 || kvm.uv.generations == 1,
        because: "PREPARE is refused, or there is no room for a successor")
    }
  }

  @ListBuilder<Property> private var alone: [Property] {
    Scenario(
      "S390-5", "a guest is set aside and cleaned up; then there is nothing to do",
      cites: "s390-pv §6.4"
    ) {
      Do(Self.prepareName, answers: .EINVAL)
      Do(Self.performName, answers: .EINVAL)
      Do(ProtectedVM.enableName, answers: .ok)
      Do(Self.prepareName, answers: .executed)
      Do(ProtectedVM.disableName, answers: .EINVAL)
      Do(Self.performName, answers: .ok)
      Do(Self.performName, answers: .EINVAL)
    }
  }

  @ListBuilder<Property> private var successors: [Property] {
    Scenario(
      "S390-7", "a second guest cannot be set aside; DISABLE ends both", cites: "s390-pv §6.4"
    ) {
      Do(ProtectedVM.enableName, answers: .ok)
      Do(Self.prepareName, answers: .executed)
      Do(ProtectedVM.enableName, answers: .ok)
      Do(Self.prepareName, answers: .EINVAL)
      Do(ProtectedVM.disableName, answers: .ok)
      Do(Self.performName, answers: .EINVAL)
    }
    Scenario(
      "S390-22", "a successor runs on the pages of a guest that is set aside",
      cites: "s390-pv §6.4", "s390-pv LP-4"
    ) {
      Do(ProtectedVM.enableName, answers: .ok)
      Do(ProtectedVM.runName, 0, 0, answers: .ok)
      Do(Self.prepareName, answers: .executed)
      Do(ProtectedVM.enableName, answers: .ok)
      Do(ProtectedVM.runName, 0, 0, answers: .ok)
      Do(Self.performName, answers: .ok)
    }
  }
}

extension SetAsideList {
  @ListBuilder<Property> var scenarios: [Property] {
    kvm.scenarios
    Scenario(
      "S390-22", "a successor runs on the pages of a guest that waits for its thread",
      cites: "s390-pv §6.4", "s390-pv LP-4", "seed 002"
    ) {
      Do(ProtectedVM.enableName, answers: .ok)
      Do(ProtectedVM.runName, 0, 0, answers: .ok)
      Do(ProtectedVM.disableName, answers: .ok)
      Do(ProtectedVM.enableName, answers: .ok)
      Do(ProtectedVM.runName, 0, 0, answers: .ok)
    }
    .expect(.violated, when: kvm.uv.generations == 1, because: "there is no room for a successor")
  }
}
