"""Indicator libraries on pandas, in an environment and a process of their own.

TA-Lib imports pandas wherever it is installed, which would cost every process of the system 80 MB.
"""
