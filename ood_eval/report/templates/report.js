"use strict";
(() => {
  const INFERNO = JSON.parse(document.getElementById("colours").textContent);
  const FOUND = [0, 200, 216], FALSE = [255, 150, 20], MISSED = [255, 40, 100];
  // What does not count is striped in two greys, so that no hue of a result stands for it.
  const STRIPES = [[18, 18, 26], [96, 96, 110]];

  const pixelsOf = async (url) => {
    const picture = new Image();
    picture.src = url;
    await picture.decode();
    const canvas = document.createElement("canvas");
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(picture, 0, 0);
    return context.getImageData(0, 0, canvas.width, canvas.height).data;
  };

  const above = (counts, step) => {
    let sum = 0;
    for (let level = step; level < counts.length; level += 1) sum += counts[level];
    return sum;
  };
  const total = (counts) => above(counts, 0);
  const percent = (part, whole) => {
    if (!whole) return "–";
    const share = (100 * part) / whole;
    if (share > 0 && share < 0.01) return "< 0.01 %";
    return `${share.toFixed(share > 0 && share < 1 ? 2 : 1)} %`;
  };

  class Gallery {
    constructor(root) {
      this.root = root;
      this.data = JSON.parse(root.querySelector("script").textContent);
      this.part = (name) => root.querySelector(`[data-part="${name}"]`);
      this.canvas = this.part("canvas");
      this.cache = new Map();
      this.view = "flagged";
      this.drawn = 0;
      this.fillDetectors();
      this.listen();
      this.chooseDetector(0);
    }

    get frame() { return this.data.frames[this.order[this.place]]; }
    get counts() { return this.frame.counts[this.detector.name]; }

    fillDetectors() {
      this.data.detectors.forEach((detector, place) => {
        this.part("detector").add(new Option(detector.title, String(place)));
      });
    }

    listen() {
      this.part("detector").addEventListener("change", (event) => this.chooseDetector(Number(event.target.value)));
      this.part("order").addEventListener("change", () => { this.sort(); this.show(0); });
      this.part("slider").addEventListener("input", () => this.draw());
      this.part("previous").addEventListener("click", () => this.show(this.place - 1));
      this.part("next").addEventListener("click", () => this.show(this.place + 1));
      this.root.querySelectorAll("[data-view]").forEach((button) => {
        button.addEventListener("click", () => {
          this.view = button.dataset.view;
          this.root.querySelectorAll("[data-view]").forEach((other) =>
            other.setAttribute("aria-pressed", String(other === button)));
          this.draw();
        });
      });
      const arrows = (event) => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by === undefined) return;
        event.preventDefault();
        this.show(this.place + by);
        if (event.currentTarget === this.part("strip")) this.part("strip").children[this.place].firstChild.focus();
      };
      this.canvas.addEventListener("keydown", arrows);
      this.part("strip").addEventListener("keydown", arrows);
    }

    chooseDetector(place) {
      this.detector = this.data.detectors[place];
      const held = this.frameId;
      const slider = this.part("slider");
      slider.max = String(this.detector.thresholds.length);
      const tools = this.part("marks");
      tools.replaceChildren(...this.detector.marks.map((mark) => {
        const button = document.createElement("button");
        button.type = "button";
        button.className = "tool";
        button.textContent = mark.title;
        button.addEventListener("click", () => { slider.value = String(mark.step); this.draw(); });
        return button;
      }));
      this.base = this.detector.marks.length ? this.detector.marks[0].step : this.bestStep();
      slider.value = String(this.base);
      this.sort();
      const again = this.order.findIndex((index) => this.data.frames[index].id === held);
      this.show(again > 0 ? again : 0);
    }

    bestStep() {
      const sums = { known: [], anomaly: [] };
      for (const frame of this.data.frames) {
        for (const kind of ["known", "anomaly"]) {
          (frame.counts[this.detector.name]?.[kind] ?? []).forEach((count, level) => {
            sums[kind][level] = (sums[kind][level] ?? 0) + count;
          });
        }
      }
      const positives = total(sums.anomaly);
      let best = 1, highest = -1, hits = 0, flagged = 0;
      for (let step = sums.known.length - 1; step >= 1; step -= 1) {
        hits += sums.anomaly[step];
        flagged += sums.anomaly[step] + sums.known[step];
        const f1 = (2 * hits) / Math.max(flagged + positives, 1);
        if (f1 > highest) { highest = f1; best = step; }
      }
      return best;
    }

    sort() {
      const name = this.detector.name;
      const rated = this.data.frames.map((frame, index) => {
        const counts = frame.counts[name];
        if (!counts) return { index, missed: -1, wrong: -1 };
        const anomalous = total(counts.anomaly);
        return {
          index,
          missed: anomalous ? 1 - above(counts.anomaly, this.base) / anomalous : -1,
          wrong: above(counts.known, this.base) / Math.max(total(counts.known), 1),
        };
      });
      const by = this.part("order").value;
      if (by !== "index") rated.sort((one, other) => other[by] - one[by] || one.index - other.index);
      this.order = rated.map((one) => one.index);
      this.part("strip").replaceChildren(...rated.map((one, place) => this.thumbnail(one, place)));
    }

    thumbnail(one, place) {
      const frame = this.data.frames[one.index];
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      const picture = new Image();
      picture.src = frame.image;
      picture.alt = "";
      picture.width = frame.width;
      picture.height = frame.height;
      const words = document.createElement("span");
      const name = document.createElement("b");
      name.textContent = frame.id;
      const share = (value) => (value < 0 ? "–" : percent(value, 1));
      words.append(name, document.createElement("br"), `missed ${share(one.missed)}`,
        document.createElement("br"), `false alarms ${share(one.wrong)}`);
      button.append(picture, words);
      button.addEventListener("click", () => this.show(place));
      item.append(button);
      return item;
    }

    show(place) {
      const count = this.order.length;
      this.place = (place + count) % count;
      this.frameId = this.frame.id;
      [...this.part("strip").children].forEach((item, number) => {
        item.firstChild.setAttribute("aria-current", String(number === this.place));
        item.firstChild.tabIndex = number === this.place ? 0 : -1;
      });
      const strip = this.part("strip"), item = strip.children[this.place];
      if (item.offsetLeft < strip.scrollLeft || item.offsetLeft + item.offsetWidth > strip.scrollLeft + strip.clientWidth) {
        strip.scrollLeft = item.offsetLeft - strip.clientWidth / 3;
      }
      this.part("caption").textContent = [this.frame.id, this.frame.caption].filter(Boolean).join(" · ");
      this.part("count").textContent = `${this.place + 1} of ${count}`;
      return this.draw();
    }

    async load(url) {
      if (!this.cache.has(url)) {
        if (this.cache.size > 9) this.cache.delete(this.cache.keys().next().value);
        this.cache.set(url, pixelsOf(url));
      }
      return this.cache.get(url);
    }

    async draw() {
      const turn = (this.drawn += 1);
      const { frame, view } = this, step = Number(this.part("slider").value);
      const map = frame.maps[this.detector.name];
      this.readout(step);
      const [image, truth, levels] = await Promise.all([frame.image, frame.truth, map ?? frame.truth].map((url) => this.load(url)));
      if (turn !== this.drawn) return;
      const { width, height } = frame;
      if (this.canvas.width !== width || this.canvas.height !== height) {
        this.canvas.width = width;
        this.canvas.height = height;
      }
      const context = this.canvas.getContext("2d", { willReadFrequently: true });
      const picture = context.createImageData(width, height), out = picture.data;
      const highest = Math.max(this.detector.thresholds.length, 1);
      for (let at = 0; at < out.length; at += 4) {
        const label = truth[at];
        let colour = null, strength = 0.72;
        let base = [image[at], image[at + 1], image[at + 2]];
        if (view === "flagged" || view === "truth") {
          const grey = 0.62 * (0.3 * base[0] + 0.59 * base[1] + 0.11 * base[2]) + 20;
          base = [grey, grey, grey];
        }
        if (view === "flagged" && label !== 255) {
          const flagged = levels[at] >= step;
          if (label === 1) colour = flagged ? FOUND : MISSED;
          else if (flagged) colour = FALSE;
        } else if (view === "heat") {
          colour = INFERNO[Math.min(255, Math.round((255 * levels[at]) / highest))];
          strength = 1;
        } else if (view === "truth" && label === 1) colour = MISSED;
        if (label === 255 && view !== "image") {
          const place = at / 4;
          colour = STRIPES[(((place % width) + Math.floor(place / width)) >> 2) & 1];
          strength = 1;
        }
        if (view === "heat" && label !== 1) {
          const x = (at / 4) % width;
          if ((x + 1 < width && truth[at + 4] === 1) || (x > 0 && truth[at - 4] === 1)
            || truth[at + 4 * width] === 1 || truth[at - 4 * width] === 1) { colour = FOUND; strength = 1; }
        }
        for (let part = 0; part < 3; part += 1) {
          out[at + part] = colour ? (1 - strength) * base[part] + strength * colour[part] : base[part];
        }
        out[at + 3] = 255;
      }
      context.putImageData(picture, 0, 0);
      this.root.dataset.drawn = String(turn);
    }

    readout(step) {
      const text = (name, value) => { this.part(name).textContent = value; };
      const threshold = this.detector.thresholds[step - 1];
      const value = threshold === undefined ? "–" : String(Number(threshold.toPrecision(4)));
      text("threshold", value);
      this.part("slider").setAttribute("aria-valuetext", `score of at least ${value}`);
      const all = { known: 0, anomaly: 0, false: 0, found: 0 };
      const add = (counts) => {
        all.known += total(counts.known);
        all.anomaly += total(counts.anomaly);
        all.false += above(counts.known, step);
        all.found += above(counts.anomaly, step);
      };
      for (const frame of this.data.frames) if (frame.counts[this.detector.name]) add(frame.counts[this.detector.name]);
      const here = this.counts ?? { known: [], anomaly: [] };
      const found = above(here.anomaly, step), wrong = above(here.known, step);
      text("found-here", percent(found, total(here.anomaly)));
      text("false-here", percent(wrong, total(here.known)));
      text("precision-here", percent(found, found + wrong));
      text("found-all", percent(all.found, all.anomaly));
      text("false-all", percent(all.false, all.known));
      text("precision-all", percent(all.found, all.found + all.false));
      this.canvas.setAttribute("aria-label", `${this.frame.id}, ${this.detector.title}: ${percent(found, total(here.anomaly))} of the `
        + `anomaly found, ${percent(wrong, total(here.known))} of the known pixels flagged. Arrow keys change the image.`);
      this.part("marks").querySelectorAll("button").forEach((button, place) =>
        button.setAttribute("aria-pressed", String(this.detector.marks[place].step === step)));
    }
  }

  document.querySelectorAll(".gallery").forEach((root) => new Gallery(root));

  document.querySelectorAll("[data-line]").forEach((chip) => {
    chip.addEventListener("click", () => {
      const shown = chip.getAttribute("aria-pressed") !== "true";
      chip.setAttribute("aria-pressed", String(shown));
      const [key, place] = chip.dataset.line.split(" ");
      for (const kind of ["roc", "pr"]) {
        const line = document.getElementById(`${key}-${kind}-${place}`);
        if (line) line.style.display = shown ? "" : "none";
      }
    });
  });

  addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((part) => { part.open = true; }));

  document.querySelectorAll("[data-switch]").forEach((group) => {
    const panels = [...group.parentElement.querySelectorAll(":scope > [data-panel]")];
    const choose = (name) => {
      group.querySelectorAll("button").forEach((button) => button.setAttribute("aria-pressed", String(button.value === name)));
      panels.forEach((panel) => { panel.hidden = panel.dataset.panel !== name; });
    };
    group.hidden = false;
    group.querySelectorAll("button").forEach((button) => button.addEventListener("click", () => choose(button.value)));
    choose(group.querySelector("button").value);
  });
})();
