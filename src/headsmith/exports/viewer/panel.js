// The panel of sliders beside the picture.

class Panel {
  // changed: called after a person has moved a slider.
  constructor(parent, controls, changed) {
    this.sliders = controls.map(control => new Slider(control, changed));
    const groups = new Map();
    for (const slider of this.sliders) {
      const {group} = slider.control;
      if (!groups.has(group)) groups.set(group, makeGroup(parent, group, groups.size < 3));
      groups.get(group).append(slider.element);
    }
  }

  show(pose) {
    for (const slider of this.sliders) slider.show(slider.control.read(pose));
  }
}

function makeGroup(parent, name, open) {
  const group = document.createElement("details"), heading = document.createElement("summary");
  group.open = open;
  heading.textContent = name;
  group.append(heading);
  parent.append(group);
  return group;
}

class Slider {
  constructor(control, changed) {
    this.control = control;
    this.element = document.createElement("label");
    this.input = document.createElement("input");
    this.output = document.createElement("output");
    const name = document.createElement("span");
    name.textContent = control.name;
    Object.assign(this.input, {type: "range", min: control.low, max: control.high, step: control.step, name: control.name});
    this.input.addEventListener("input", () => changed(control, Number(this.input.value)));
    this.element.append(name, this.output, this.input);
  }

  show(value) {
    this.input.value = value;
    this.output.textContent = this.control.unit ? `${value.toFixed(0)}${this.control.unit}` : value.toFixed(2);
  }
}
