package sluice.dmacore.finding;

/**
 * What a finding is about: names for people, and the numbers that a recording has for the same.
 *
 * @param device that did it, or was to have it; empty if none did
 * @param attachment number of the device's attachment, or 0
 * @param buffer name of the buffer
 * @param number of the buffer, or 0
 */
public record Subject(String device, int attachment, String buffer, int number) {}
