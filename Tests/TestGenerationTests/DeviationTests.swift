import Catalogue
import ConformanceKit
import SpecLanguage
import SpecProgram
import Testing

@testable import TestGeneration
@testable import TraceValidation

/// Lives, and the ways to leave them.
@Suite struct DeviationTests {
  private let life = Life(
    name: "short", environment: "kvm-6.18-default", cpus: 2,
    calls: [
      Say.createVM("vm0", 0), Say.createMemory("vm0", "gmem0", 0x1000, 1),
      Say.on("gmem0", "fstat"), Say.close("gmem0"), Say.close("vm0"),
    ])

  private func spec() throws -> SpecDescription {
    try #require(Catalogue.entry(named: "gmem/mainline")).describe()
  }

  @Test func callsAreDroppedRepeatedAndSwapped() {
    let order = Deviations(life).order
    #expect(order.count == 3 * life.calls.count - 1)
    #expect(Set(order.map { $0.steps.count }) == [4, 5, 6])
    // What a repeated call makes has a name of its own.
    let repeated = order[1].steps.map(\.call)
    #expect(repeated[0].arguments["new"] == "vm0")
    #expect(repeated[1].arguments["new"] == "vm00")
  }

  @Test func eachCallIsMadeFiveTimes() {
    let calls = Deviations(life).often.steps.map(\.call.name)
    #expect(calls.count == 5 * life.calls.count)
    #expect(calls.prefix(5).allSatisfy { $0 == "KVM_CREATE_VM" })
  }

  @Test func refusedCallsStandBeforeEachCallOfTheWholeLife() {
    let wrong = Say.createMemory("vm0", "gmem-new", 1, 0)
    let worse = Say.createMemory("vm0", "gmem-new", 0, 8)
    let made = Deviations(life).refused([[], [wrong, worse], [wrong], [], []])
    #expect(made.map { $0.steps.count } == [7, 7])
    #expect(made.map { $0.steps.count(where: \.isAside) } == [2, 2])
    #expect(made[0].steps[1].call == wrong)
    #expect(made[1].steps[1].call == worse)
    #expect(made[1].steps[3].call == wrong)
  }

  @Test func valuesStandAtAndAroundEachBoundary() {
    let call = Say.createMemory("vm0", "gmem0", 0x1000, 1)
    let changes = CallVariants(life.calls).changes(of: call)
    let sizes = changes.filter { $0.argument == "size" }.compactMap(\.value)
    #expect(Set(["0x0", "0x1", "0x1001", "0x2000"]).isSubset(of: sizes))
    #expect(!sizes.contains("0x1000"))
    #expect(changes.contains { $0.argument == "by" && $0.value == "child" })
  }

  @Test func answersAreTheSpecs() throws {
    let deviation = Deviations(life).straight
    let sight = DeviationTest.Sight(seamcalls: false, written: true)
    let test = try #require(
      DeviationTest(deviation, life, ReplayPrograms(try spec()), sight) { _ in true })
    #expect(test.steps.map(\.call.name).last == "exit")
    #expect(test.steps.count == life.calls.count + 1)
    #expect(test.steps[2].written["size"] == .word(0x1000))
    #expect(test.steps.dropLast().allSatisfy { !$0.expect.isEmpty })
  }

  @Test func aCallAsideThatChangesSomethingIsLeftOut() throws {
    let other = Say.createMemory("vm0", "gmem-new", 0x2000, 0)
    let wrong = Say.createMemory("vm0", "gmem-new", 0x1001, 0)
    let deviation = Deviation(
      name: "aside", purpose: "two calls aside",
      steps: [
        Deviation.Step(call: life.calls[0]), Deviation.Step(call: other, isAside: true),
        Deviation.Step(call: wrong, isAside: true), Deviation.Step(call: life.calls[4]),
      ])
    let sight = DeviationTest.Sight(seamcalls: false, written: false)
    let test = try #require(
      DeviationTest(deviation, life, ReplayPrograms(try spec()), sight) { _ in true })
    #expect(test.steps.map(\.call).contains(wrong))
    #expect(!test.steps.map(\.call).contains(other))
    #expect(test.refusals[wrong]?.errno == "EINVAL")
  }

  @Test func anAnswerForANewReasonIsLookedAfter() throws {
    let programs = ReplayPrograms(try spec())
    let sight = DeviationTest.Sight(seamcalls: false, written: false)
    var calls = life.calls
    calls.insert(Say.ask("vm0", "GUEST_MEMFD"), at: 1)
    let life = Life(name: "asking", environment: "kvm-6.18-default", cpus: 2, calls: calls)
    let own = try #require(Deviations(life).own(at: 2).first)
    #expect(own.place == 2)
    let test = try #require(DeviationTest(own, life, programs, sight) { _ in true })
    let (asides, looks) = (try #require(test.asides), try #require(test.looks))
    #expect(asides.upperBound == looks.lowerBound)
    // What makes something, and what changes something, is not looked with.
    #expect(test.steps[looks].allSatisfy { $0.call.arguments["new"] == nil })
    #expect(test.steps[looks].map(\.call) == [life.calls[1]])
    let known = try #require(DeviationTest(own, life, programs, sight) { _ in false })
    #expect(known.asides == nil && known.looks == nil)
  }

  @Test func testsAtOnePlaceAreOne() throws {
    let programs = ReplayPrograms(try spec())
    let sight = DeviationTest.Sight(seamcalls: false, written: false)
    func made(_ size: String) throws -> AsideTest {
      var wrong = life.calls[1]
      wrong.arguments["new"] = "gmem-new"
      wrong.arguments["size"] = .text(size)
      let steps = [Deviation.Step(call: wrong, isAside: true)]
      let deviation = Deviation(
        name: "aside", purpose: "a call aside",
        steps: [Deviation.Step(call: life.calls[0])] + steps
          + [Deviation.Step(call: life.calls[4])],
        place: 1)
      let test = try #require(DeviationTest(deviation, life, programs, sight) { _ in true })
      return try #require(AsideTest(test))
    }
    var first = try made("0x1001")
    #expect(first.take(try made("0x0")))
    #expect(first.steps.map(\.call.name).filter { $0 == "KVM_CREATE_GUEST_MEMFD" }.count == 2)
    #expect(first.steps.map(\.call.name).filter { $0 == "KVM_CREATE_VM" }.count == 1)
  }

  @Test func aFileWithSharedStepsIsReadAsTheSuite() throws {
    var options = DeviationSuite.Options()
    options.walks = 0
    options.environments = ["kvm-6.18-default"]
    let suite = DeviationSuite(try spec(), options).suite
    let text = try SuiteText(suite, sharesSteps: true).text()
    #expect(text.contains("\"shared\":["))
    #expect(try StrictJSON.decode(ConformanceSuite.self, from: text.utf8) == suite)
  }

  @Test func aCoverShowsAllThatTheTestsShow() throws {
    var options = DeviationSuite.Options()
    options.walks = 3
    let made = LifeTests(life, try spec(), options)
    let kept = SmallestCover(made.tests).kept
    #expect(kept.count < made.tests.count)
    let all = made.tests.reduce(into: Set<UInt64>()) { $0.formUnion($1.counted) }
    let shown = kept.reduce(into: Set<UInt64>()) { $0.formUnion(made.tests[$1].counted) }
    #expect(shown == all)
    let needed = made.tests.indices.filter { made.tests[$0].isNeeded }
    #expect(!needed.isEmpty && Set(needed).isSubset(of: kept))
  }
}

/// SEAMCALLs at once.
@Suite struct ModuleRaceTests {
  private let program: Program
  private let locks: ModuleLocks

  init() throws {
    let spec = try #require(Catalogue.entry(named: "tdx/module")).describe()
    let scope = try ResolvedScope(spec, scope: ModuleTraceCheck.scope)
    program = try Program(spec, scope, ProgramOptions(withoutProperties: true))
    locks = try #require(ModuleLocks(spec))
  }

  @Test func callsCollideWhereTheyShareALockThatIsNotOnlyRead() {
    func leaf(_ name: String, _ arguments: [String: TestValue]) -> Call {
      ModuleLife.leaf(name, arguments)
    }
    let read = leaf("MNG.RD", ["td": "td:0"])
    let configure = leaf("MNG.KEY.CONFIG", ["td": "td:0"])
    let other = leaf("MNG.CREATE", ["td": "td:1", "page": "page:20", "hkid": "hkid:1"])
    #expect(!locks.canCollide(read, read))
    #expect(locks.canCollide(read, configure))
    #expect(!locks.canCollide(configure, other))
    #expect(locks.canCollide(other, leaf("PHYMEM.PAGE.RDMD", ["page": "page:20"])))
    #expect(!locks.canCollide(other, leaf("PHYMEM.PAGE.RDMD", ["page": "page:21"])))
    // A TD begins with a page.
    #expect(locks.canCollide(configure, leaf("PHYMEM.PAGE.RDMD", ["page": "page:47"])))
  }

  @Test func nothingIsBusyWhereNoLockIsShared() throws {
    var races = ModuleRaces(try ModuleOracle(program), locks, isThorough: false)
    races.add(ModuleLife(name: "keys", calls: Array(ModuleLife.start.prefix(3))))
    #expect(!races.tests.isEmpty)
    for test in races.tests {
      let race = try #require(test.race)
      let calls = race.threads.joined()
      #expect(calls.count == 2)
      let hasBusy = race.allowed.contains { $0.description.contains("BUSY") }
      let mayCollide = locks.canCollide(race.threads[0][0], race.threads[1][0])
      #expect(hasBusy == mayCollide, "\(test.purpose)")
      #expect(race.threads[0][0].arguments["lp"] != race.threads[1][0].arguments["lp"])
    }
  }
}
