import Testing

@testable import SpecLanguage

@Suite("Readings") struct ReadingTests {
  static let spec = SampleSpec()

  static func text(_ condition: Condition) -> String {
    ExpressionReader(SpecDescription(spec)).text(condition.node)
  }

  static func text<V>(of value: Expr<V>) -> String {
    ExpressionReader(SpecDescription(spec)).text(value.node)
  }

  @Test("comparisons") func comparisons() {
    let s = Self.spec
    #expect(Self.text(s.td == .created) == "td is created")
    #expect(Self.text(s.td != .created) == "td is not created")
    #expect(Self.text(s.tries < 2) == "tries < 2")
    #expect(Self.text(s.tries > s.limit) == "LIMIT < tries")
    #expect(Self.text(s.tries > 1) == "tries > 1")
    #expect(Self.text(s.tries <= 1) == "tries ≤ 1")
    #expect(Self.text(s.tries >= 1) == "tries ≥ 1")
    #expect(Self.text(s.seen == true) == "seen is true")
    #expect(Self.text(s.seen != false) == "seen is not false")
    #expect(Self.text(!s.seen) == "seen is false")
    #expect(Self.text(!(!s.seen)) == "seen")
    #expect(Self.text(s.td.in(.created, .runnable)) == "td is created or runnable")
  }

  @Test("strength of binding") func binding() {
    let s = Self.spec
    let created = s.td == .created
    #expect(
      Self.text(created && !s.seen && s.tries < 1)
        == "td is created and seen is false and tries < 1")
    #expect(
      Self.text((created || s.seen) && s.tries < 1)
        == "(td is created or seen is true) and tries < 1")
    #expect(
      Self.text(created && s.seen || s.tries < 1)
        == "td is created and seen is true or tries < 1")
    #expect(
      Self.text(created || s.seen ==> s.tries < 1)
        == "if td is created or seen is true then tries < 1")
    #expect(
      Self.text(created ==> s.seen ==> s.tries < 1)
        == "if td is created then if seen is true then tries < 1")
    #expect(
      Self.text((created ==> s.seen) ==> s.tries < 1)
        == "if (if td is created then seen is true) then tries < 1")
    #expect(Self.text(!(created && s.seen)) == "not (td is created and seen is true)")
  }

  @Test("numbers") func numbers() {
    let s = Self.spec
    #expect(Self.text(of: s.tries + 1) == "tries + 1")
    #expect(Self.text(of: s.tries - (s.limit - 1)) == "tries − (LIMIT − 1)")
    #expect(Self.text(of: s.tries - s.limit - 1) == "tries − LIMIT − 1")
    #expect(Self.text(s.tries + 1 == s.limit) == "tries + 1 is LIMIT")
    #expect(
      Self.text(of: choose(s.seen, s.tries, else: s.limit)) == "tries if seen, else LIMIT")
  }

  @Test("maps, optionals and quantifiers") func quantifiers() {
    let s = Self.spec
    #expect(
      Self.text(forAll(VCPU.self) { v in s.assoc[v] == nil })
        == "for every VCPU v, assoc[v] is none")
    #expect(
      Self.text(!exists(Page.self) { p in s.inner.sept[p] })
        == "for no Page p, sept[p] is true")
    #expect(
      Self.text(
        forAll(VCPU.self) { v in exists(VCPU.self) { w in s.assoc[v] == s.assoc[w] } })
        == "for every VCPU v, for some VCPU v′, assoc[v] is assoc[v′]")
    #expect(
      Self.text(exists(VCPU.self) { v in exists(Page.self) { p in s.stale[v, p] && s.seen } })
        == "for some VCPU v, for some Page p, stale[v, p] is true and seen is true")
    #expect(
      Self.text(forAll(Page.self) { p in s.assoc[s.owner[p]] == p })
        == "for every Page p, assoc[owner(p)] is p")
    #expect(
      Self.text(s.seen && forAll(Page.self) { p in s.inner.sept[p] })
        == "seen is true and (for every Page p, sept[p] is true)")
  }

  @Test("sets") func sets() {
    let s = Self.spec
    #expect(Self.text(s.busy == .all) == "busy is every VCPU")
    #expect(Self.text(s.busy == .empty) == "busy is {}")
    #expect(
      Self.text(exists(VCPU.self) { v in !s.busy.contains(v) })
        == "for some VCPU v, v is not in busy")
    #expect(Self.text(of: s.busy.count()) == "the number of elements in busy")
    #expect(
      Self.text(s.busy == those(VCPU.self) { v in s.assoc[v] != nil })
        == "busy is every VCPU v such that assoc[v] is not none")
    #expect(
      Self.text(forAll(VCPU.self) { v in s.busy.inserting(v) == s.busy.removing(v) })
        == "for every VCPU v, busy with v is busy without v")
  }

  @Test("locks and places") func locks() {
    let s = Self.spec
    #expect(Self.text(holding(s.kvmLock)) == "kvm->lock is held")
    #expect(Self.text(!holding(s.kvmLock)) == "kvm->lock is free")
    #expect(
      Self.text(exists(VCPU.self) { v in holding(s.mutexes[v]) })
        == "for some VCPU v, vcpu->mutex[v] is held")
    #expect(Self.text(inside("KVM_RUN")) == "some thread is inside KVM_RUN")
    #expect(Self.text(!inside("KVM_RUN")) == "no thread is inside KVM_RUN")
    #expect(Self.text(at("the gate")) == "some thread is at “the gate”")
    let reader = ExpressionReader(SpecDescription(s))
    #expect(reader.text(s.inner.mmuLock.use(.write)) == "mmu_lock for write")
    #expect(reader.text(s.inner.mmuLock.use(.read)) == "mmu_lock for read")
    #expect(reader.text(s.kvmLock.use(.exclusive)) == "kvm->lock")
  }

  @Test("values") func values() {
    #expect(Reading.value(2, of: TD.valueType) == "runnable")
    #expect(Reading.value(0, of: Page?.valueType) == "none")
    #expect(Reading.value(2, of: Page?.valueType) == "p1")
    #expect(Reading.value(0b101, of: SetOf<VCPU>.valueType) == "{v0, v2}")
    #expect(Reading.value(0, of: .set(VCPU.sort)) == "{}")
    #expect(Reading.value(-3, of: .integer(-3...3)) == "-3")
    #expect(Outcome.EBUSY.text == "-EBUSY")
    #expect(Outcome.ok.text == "ok")
  }
}
