"""Data sets: conversion to TFRecords, and descriptors that read them."""
