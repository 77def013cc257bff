package sluice.vdev.differential;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import sluice.vdev.fixture.Buffer;

/** A random guest, two thirds of whose commands are good. What it does depends on its seed and on the answers it gets. */
final class Guest {
    private final Scribe scribe;
    private final GoodGuest good;
    private final BadGuest bad;

    Guest(long seed, World world, List<Buffer> pool) {
        scribe = new Scribe(new Random(seed), world, pool);
        good = new GoodGuest(scribe);
        bad = new BadGuest(scribe, good);
    }

    /** Some steps, and then it waits. */
    List<Step> next() {
        List<Step> steps = new ArrayList<>(scribe.oneIn(2) ? bad.next() : good.next());
        steps.add(new Step.Wait());
        return steps;
    }
}
