package sluice.guest.check;

import java.nio.file.Path;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What a user adds to the guest.
 *
 * @param modules of the kernel, loaded in this order behind the witness and before the card's driver
 * @param test a program that is run instead of ours, or null
 * @param root what it finds as its root, or null for the small root of the image
 */
record Additions(List<Path> modules, @Nullable TestProgram test, @Nullable GuestRoot root) {
    /** Nothing. */
    static final Additions NONE = new Additions(List.of(), null, null);
}
