package sluice.guest.demo;

import java.util.List;

import org.jspecify.annotations.Nullable;

import sluice.vdev.profile.ProfileFolder;

/**
 * The GPU program of a demo.
 *
 * @param command its command line, without the options that the demo adds
 * @param ours whether it supports our options and signals: {@code --stats}, {@code --snapshot-dir}, SIGUSR2
 * @param profile where it leaves its profile, or null
 */
record DemoGpu(List<String> command, boolean ours, @Nullable ProfileFolder profile) {}
