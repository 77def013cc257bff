package sluice.dmacore.model;

import java.util.Random;

import sluice.dmacore.ownership.Flavour;

/**
 * What a program is about, drawn from its seed.
 *
 * @param unseen whether the CPU writes without telling, as a guest does; otherwise it writes in accesses only
 */
record Draw(long seed, Mistake mistake, Flavour flavour, boolean unseen) {
    static Draw of(long seed, Mistake mistake) {
        Random random = new Random(~seed);
        Flavour flavour = switch (random.nextInt(5)) {
            case 0, 1 -> Flavour.ARC;
            case 2 -> mistake.needsCaches() ? Flavour.ARM64 : Flavour.COHERENT;
            default -> Flavour.ARM64;
        };
        return new Draw(seed, mistake, flavour, random.nextBoolean());
    }
}
