import Simulator
import SimulatorReplay
import Testing

@Suite("The simulated KVM against real kernels")
struct KVMReplayTests {
  @Test(
    "Every call of the samples agrees",
    arguments: ["kvm-answers-sample", "gmem-answers-sample"])
  func sampleAgrees(name: String) throws {
    var replay = SimulatedKVMReplay(limit: 10)
    try replay.check(file: "Conformance/Recorded/\(name).jsonl.gz")
    #expect(replay.disagreements.map(\.text) == [])
    #expect(replay.tallies.values.reduce(0) { $0 + $1.total.compared } > 100)
    #expect(replay.isEnough)
  }
}
