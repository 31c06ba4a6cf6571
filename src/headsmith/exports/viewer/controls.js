// What can be moved: each control has a name, a group, a range, and ways to read and write its part of a pose.

const DEGREE = Math.PI / 180;

function restPose(units) {
  return {expression: new Array(units).fill(0), jaw: [0, 0, 0], eyes: [[0, 0, 0], [0, 0, 0]], eyelids: [0, 0], neck: [0, 0, 0]};
}

function makeControls(facts) {
  const units = facts.expression_names.map((name, unit) => ({
    name, group: groupOf(name, facts.expression_names), low: facts.expression_low[unit], high: facts.expression_high[unit],
    step: 0.01, read: pose => pose.expression[unit], write: (pose, value) => { pose.expression[unit] = value; },
  }));
  return [
    turning("jaw", "jaw: open", -3, 30, pose => [pose.jaw], 0),
    turning("jaw", "jaw: to the subject's left", -10, 10, pose => [pose.jaw], 1),
    turning("jaw", "jaw: twist", -10, 10, pose => [pose.jaw], 2),
    turning("eyes", "eyes: down", -30, 30, pose => pose.eyes, 0),
    turning("eyes", "eyes: to the subject's left", -35, 35, pose => pose.eyes, 1),
    closing("left", 0),
    closing("right", 1),
    ...units,
  ];
}

// A rotation about an axis; where it moves several joints (both eyes), reading tells their mean.
function turning(group, name, low, high, joints, axis) {
  return {
    name, group, low, high, step: 0.5, unit: "°",
    read: pose => joints(pose).reduce((total, joint) => total + joint[axis], 0) / joints(pose).length / DEGREE,
    write: (pose, value) => joints(pose).forEach(joint => { joint[axis] = value * DEGREE; }),
  };
}

function closing(side, place) {
  return {
    name: `${side} eyelid: closed`, group: "eyelids", low: 0, high: 1, step: 0.01,
    read: pose => pose.eyelids[place], write: (pose, value) => { pose.eyelids[place] = value; },
  };
}

// Face units are grouped by the first word of their names (browDownLeft: brow); units without such words stand together.
function groupOf(name, names) {
  const first = text => text.split(/(?=[A-Z])|[_\d]/)[0];
  const shared = names.filter(other => first(other) === first(name)).length;
  if (first(name) === "eye") return "eyes";
  return shared < names.length && first(name) ? first(name) : "expression";
}
