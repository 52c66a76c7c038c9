import SpecLanguage

/// What everyone has to know of a bridge with one lane: nobody meets anybody.
struct OneLane: Spec {
  static let name = "tutorial/one-lane"
  let summary = "a bridge with one lane: it is empty before the direction changes"
  enum Traffic: EnumDomain { case none, eastbound, westbound }
  let traffic = Var(Traffic.none)

  var actions: [Action] {
    Action("the first goes east") {
      Require(traffic == .none)
      traffic <- .eastbound
    }
    Action("the first goes west") {
      Require(traffic == .none)
      traffic <- .westbound
    }
    Action("the last has left") { traffic <- .none }
  }
  var properties: [Property] {
    Possible("B-1", "somebody goes west") { traffic == .westbound }
  }
}

/// The same bridge with cars and lights, which is to be the bridge above.
struct Lights: Spec {
  static let name = "tutorial/lights"
  let summary = "lights that keep a bridge with one lane, unless they are hasty"
  enum Car: Sort {}
  enum Side: EnumDomain { case away, east, west }
  enum Light: EnumDomain { case red, greenForEast, greenForWest }

  let cars = Parameter("cars", of: Car.self, 1...4, default: 3)
  let hasty = Parameter("HASTY", 0...1, default: 0, "1: the light changes while cars are there")
  let bridge = Map(Car.self, Side.away)
  let light = Var(Light.red)

  var actions: [Action] {
    enter("enters eastbound", .greenForEast, .east)
    enter("enters westbound", .greenForWest, .west)
    Action("leaves", each: Car.self) { c in
      Require(bridge[c] != .away)
      bridge[c] <- .away
    }
    turn("green for east", .greenForEast)
    turn("green for west", .greenForWest)
  }

  private func enter(_ name: String, _ green: Light, _ side: Side) -> Action {
    Action(name, each: Car.self) { c in
      Require(light == green && bridge[c] == .away)
      bridge[c] <- side
    }
  }
  private func turn(_ name: String, _ green: Light) -> Action {
    Action(name) {
      Require(light != green && (hasty > 0 || !(goes(.east) || goes(.west))))
      light <- green
    }
  }
  private func goes(_ side: Side) -> Condition { exists(Car.self) { c in bridge[c] == side } }

  var properties: [Property] {
    Refines("B-2", "cars and lights together are a bridge with one lane", OneLane()) { lane in
      Maps(
        lane.traffic,
        to: choose(
          goes(.east), .eastbound,
          else: choose(goes(.west), OneLane.Traffic.westbound, else: .none)))
    }
  }
}
