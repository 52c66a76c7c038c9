import Simulator
import SimulatorReplay
import Testing

@Suite("The simulated module against the recorded one")
struct ModuleReplayTests {
  static let sample = "Conformance/Recorded/tdx-module-sample.jsonl.gz"

  @Test("Every call of the sample agrees")
  func sampleAgrees() throws {
    var replay = SimulatedModuleReplay(limit: 10)
    try replay.check(file: Self.sample)
    #expect(replay.disagreements.map(\.text) == [])
    #expect(replay.tally.total.compared > 20)
    #expect(replay.tally.isEnough)
  }

  @Test(
    "A module with a mistake disagrees",
    arguments: [
      Fault("MNG.CREATE", .missingEffect, "KOT"), Fault("MNG.ADDCX", .missingEffect, "chldcnt"),
      Fault("MNG.KEY.CONFIG", .effectStops, "lifecycle"),
      Fault("MNG.CREATE", .extraRefusal, "TDX_HKID_NOT_FREE"),
    ])
  func faultShows(fault: Fault) throws {
    var replay = SimulatedModuleReplay(ModuleBackend(faults: [fault]), limit: 1)
    try replay.check(file: Self.sample)
    #expect(replay.tally.total.agreed < replay.tally.total.compared)
  }
}
